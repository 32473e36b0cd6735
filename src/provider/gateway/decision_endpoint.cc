#include "provider/gateway/decision_endpoint.h"

#include <optional>
#include <utility>

#include "provider/audit/audit_explain.h"
#include "provider/audit/audit_files.h"
#include "provider/gateway/denial_answer.h"

namespace countersign::provider {

using protocol::Denial;
using protocol::Reason;

namespace {

// A disk that takes longer than this for a look-up has other work.
constexpr std::chrono::seconds lookup_patience{5};

Result<std::optional<AuditEntry>> look_up(const std::string& audit_path,
                                          const std::string& decision_id) {
  std::vector<std::string> files;
  for (const AuditFileName& name : list_audit_files(audit_path)) files.push_back(name.path);
  return find_decision(files, decision_id);
}

}  // namespace

DecisionEndpoint::DecisionEndpoint(std::string audit_path, GatewayPolicy policy,
                                   DecisionEndpointParts parts)
    : audit_path_(std::move(audit_path)),
      policy_(std::move(policy)),
      parts_(parts),
      pipeline_(policy_, parts.registry, parts.trust, parts.peppers),
      ids_(parts.entropy) {}

Result<std::unique_ptr<DecisionEndpoint>> DecisionEndpoint::create(std::string audit_path,
                                                                   const GatewayOptions& gateway,
                                                                   DecisionEndpointParts parts) {
  GatewayOptions own;
  own.schemes = gateway.schemes;
  own.api_key_field = gateway.api_key_field;
  own.realm = gateway.realm;
  own.refuse_stale_reads = gateway.refuse_stale_reads;
  own.verification_cache_entries = 256;
  own.routes.push_back({.methods = {"GET"},
                        .path = std::string(decisions_path) + "{decision_id}",
                        .scopes = {},
                        .schemes = {},
                        .unsafe_any_scope = true});
  CS_TRY(GatewayPolicy policy, GatewayPolicy::create(std::move(own)));
  return std::unique_ptr<DecisionEndpoint>(
      new DecisionEndpoint(std::move(audit_path), std::move(policy), parts));
}

Task<void> DecisionEndpoint::serve(http::Exchange& exchange) {
  const Moment now{parts_.clock.wall_now(), parts_.executor.now()};
  Passage passage(exchange, ids_.next(now.wall), now.boot);
  auto verdict = pipeline_.decide(exchange.request(), exchange.peer(), now, passage.findings);
  if (verdict && !parts_.audit.check_writable()) {
    verdict = protocol::deny(Reason::audit_unavailable);
  }
  if (verdict) {
    co_await show(passage);
  } else {
    co_await refuse(passage, std::move(verdict).error());
  }
}

Task<void> DecisionEndpoint::refuse(Passage& passage, Denial denial) {
  const Reason reason = co_await record_refusal(parts_.audit, passage, denial);
  co_await answer(passage, reason);
}

Task<void> DecisionEndpoint::show(Passage& passage) {
  parts_.audit.begin(passage);
  const std::string wanted(passage.findings.path.substr(decisions_path.size()));
  auto found = co_await run_on<std::optional<AuditEntry>>(
      parts_.lookups, parts_.executor,
      [path = audit_path_, wanted] { return look_up(path, wanted); },
      parts_.executor.now() + lookup_patience);
  const bool is_its_own =
      found && *found && belongs_to(**found, passage.findings.principal->client_id());
  std::optional<Reason> refused;
  if (!found) {
    refused = Reason::overloaded;
  } else if (!is_its_own) {
    refused = Reason::route_unknown;
  }
  AuditRecord record =
      passage.record(AuditOutcome::allow, refused ? protocol::status_of(*refused) : 200);
  if (refused) record.reason = protocol::code_of(*refused);
  parts_.audit.end(passage, record);
  if (refused) {
    co_await answer(passage, *refused);
    co_return;
  }
  std::vector<http::Field> fields;
  fields.push_back({protocol::decision_id_field, passage.id.text()});
  fields.push_back({"Cache-Control", "no-store"});
  const auto sent = co_await http::respond(passage.exchange, 200, "application/json",
                                           consumer_side(**found), std::move(fields));
  if (!sent) passage.exchange.abort();
}

Task<void> DecisionEndpoint::answer(Passage& passage, Reason reason) {
  DenialContext context;
  context.decision_id = passage.id.text();
  context.realm = policy_.options().realm;
  context.accepted = policy_.schemes_of(passage.findings.route);
  context.authorization = passage.findings.authorization;
  context.route = passage.findings.route;
  context.allowed_methods = passage.findings.allowed_methods;
  co_await answer_denial(passage.exchange, reason, context);
}

}  // namespace countersign::provider
