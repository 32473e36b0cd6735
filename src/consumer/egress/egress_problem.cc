#include "consumer/egress/egress_problem.h"

#include <vector>

#include "http/problem.h"
#include "protocol/refusal.h"

namespace countersign::consumer {
namespace {

http::Problem document_of(const EgressProblem& problem) {
  const protocol::Refusal refusal =
      protocol::refusal_of(problem.reason, /*decision_id=*/{}, "egress");
  http::Problem document{.status = status_of(problem),
                         .type = refusal.type(),
                         .title = refusal.title,
                         .detail = {},
                         .extra = refusal.members()};
  document.extra.emplace_back("outcome", name_of(problem.outcome));
  if (!problem.code.empty()) document.extra.emplace_back("code", problem.code);
  if (!problem.trace_id.empty()) document.extra.emplace_back("trace_id", problem.trace_id);
  return document;
}

}  // namespace

int status_of(const EgressProblem& problem) {
  return problem.status != 0 ? problem.status : protocol::status_of(problem.reason);
}

Task<Result<void>> respond_egress_problem(http::Exchange& exchange, const EgressProblem& problem) {
  if (exchange.response_started()) {
    exchange.abort();
    co_return fail(ErrorKind::internal, "egress.answer_begun", "an answer had begun already");
  }
  const std::string attempts = std::to_string(problem.attempts);
  // Rounded up: who comes back a moment early comes back for nothing.
  const std::string wait =
      std::to_string(std::chrono::ceil<std::chrono::seconds>(problem.retry_after).count());
  std::vector<http::Field> fields{{outcome_field, name_of(problem.outcome)},
                                  {attempts_field, attempts}};
  if (!problem.added_key.empty()) fields.push_back({added_key_field, problem.added_key});
  if (problem.retry_after > BootClock::duration::zero()) fields.push_back({"Retry-After", wait});
  if (problem.reason == protocol::Reason::method_not_allowed) {
    fields.push_back(
        {"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"});  // RFC 9110 §15.5.6
  }
  co_return co_await http::respond_problem(exchange, document_of(problem), std::move(fields));
}

}  // namespace countersign::consumer
