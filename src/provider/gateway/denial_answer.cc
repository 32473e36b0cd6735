#include "provider/gateway/denial_answer.h"

#include <algorithm>
#include <utility>

#include "http/challenge.h"
#include "http/problem.h"
#include "protocol/decision_id.h"
#include "protocol/refusal.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

using protocol::BearerError;
using protocol::Reason;
using protocol::ReasonRow;

namespace {

http::Challenge challenge_of(const SchemeRow& row, const ReasonRow& reason,
                             const DenialContext& context) {
  http::Challenge challenge;
  challenge.scheme = row.authorization;
  challenge.params.emplace_back("realm", context.realm);
  // RFC 6750 §3.1: no error code for a request that carried no credential of this scheme.
  if (!row.challenge_with_error || reason.bearer_error == BearerError::none ||
      context.authorization != row.authorization) {
    return challenge;
  }
  challenge.params.emplace_back("error", protocol::name_of(reason.bearer_error));
  challenge.params.emplace_back("error_description", reason.title);
  if (reason.bearer_error == BearerError::insufficient_scope && context.route != nullptr) {
    challenge.params.emplace_back("scope", context.route->scopes.to_string());
  }
  return challenge;
}

http::Problem problem_of(Reason reason, std::string_view decision_id) {
  protocol::Refusal refusal = protocol::refusal_of(reason, decision_id, "gateway");
  http::Problem problem;
  problem.status = refusal.status;
  problem.type = refusal.type();
  problem.title = refusal.title;
  problem.extra = refusal.members();
  return problem;
}

}  // namespace

std::vector<std::string> challenges_for(Reason reason, const DenialContext& context) {
  const ReasonRow& refused = protocol::row_of(reason);
  std::vector<std::string> challenges;
  std::string_view last;
  for (const SchemeRow& row : all_schemes()) {
    const bool accepted = (context.accepted & scheme_bit(row)) != 0;
    // Rows of one form stand together in the registry.
    if (!accepted || row.authorization == last) continue;
    last = row.authorization;
    const bool has_error = row.challenge_with_error && refused.bearer_error != BearerError::none &&
                           context.authorization == row.authorization;
    if (refused.status != 401 && !has_error) continue;
    challenges.push_back(http::to_field_value(challenge_of(row, refused, context)));
  }
  return challenges;
}

Task<void> answer_denial(http::Exchange& exchange, Reason reason, DenialContext context) {
  const std::vector<std::string> challenges = challenges_for(reason, context);
  std::vector<http::Field> fields;
  fields.push_back({protocol::decision_id_field, context.decision_id});
  fields.push_back({reason_field, protocol::code_of(reason)});
  for (const std::string& challenge : challenges) {
    fields.push_back({"WWW-Authenticate", challenge});
  }
  if (reason == Reason::method_not_allowed) fields.push_back({"Allow", context.allowed_methods});
  if (protocol::status_of(reason) == 503) fields.push_back({"Retry-After", "1"});
  std::optional<LimitFields> limit;
  std::string wait;
  if (context.limit != nullptr) {
    limit.emplace(*context.limit);
    fields.push_back(limit->policy());
    fields.push_back(limit->standing());
    if (reason == Reason::rate_limited) {
      wait = std::to_string(retry_after(*context.limit));
      fields.push_back({"Retry-After", wait});
    }
  }
  http::Problem problem = problem_of(reason, context.decision_id);
  const auto sent = co_await http::respond_problem(exchange, std::move(problem), std::move(fields));
  if (!sent) exchange.abort();
}

}  // namespace countersign::provider
