#include "provider/gateway/gateway_service.h"

#include <string>
#include <utility>

#include "crypto/verified_peer.h"
#include "provider/gateway/denial_answer.h"
#include "provider/gateway/forwarded_fields.h"
#include "provider/gateway/upstream_failure.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

using protocol::Denial;
using protocol::Reason;

namespace {

// In origin form (RFC 9112 §3.2.1), with the path that was decided about.
std::string_view origin_form(const http::RequestHead& head, std::string& room) {
  if (head.target.starts_with('/')) return head.target;
  room = head.path;
  if (!head.query.empty()) {
    room += '?';
    room += head.query;
  }
  return room;
}

}  // namespace

GatewayService::GatewayService(const GatewayPolicy& policy, GatewayParts parts)
    : policy_(policy),
      parts_(parts),
      pipeline_(policy, parts.registry, parts.trust, parts.peppers),
      ids_(parts.entropy) {}

Task<void> GatewayService::serve(http::Exchange& exchange) {
  const Moment now{parts_.clock.wall_now(), parts_.executor.now()};
  Passage passage{exchange, ids_.next(now.wall), {}, now.boot};
  auto verdict = pipeline_.decide(exchange.request(), exchange.peer(), now, passage.findings);
  if (verdict && !parts_.audit.check_writable()) {
    verdict = protocol::deny(Reason::audit_unavailable);
  }
  if (verdict) [[likely]] {
    co_await forward(passage);
  } else {
    co_await refuse(passage, std::move(verdict).error());
  }
}

Task<void> GatewayService::forward(Passage& passage) {
  auto answered = co_await ask_upstream(passage);
  if (answered) [[likely]] {
    co_await relay_answer(passage, *std::move(answered));
  } else {
    co_await answer_failure(passage, std::move(answered).error());
  }
}

Task<std::expected<GatewayService::Answer, Denial>> GatewayService::ask_upstream(Passage& passage) {
  const http::RequestHead& request = passage.exchange.request();
  const UpstreamFields fields(request, *passage.findings.principal, passage.id.text(),
                              policy_.options().api_key_field);
  http::RelayBody body(passage.exchange, policy_.options().resend_bytes_max);
  std::string room;
  const std::string_view target = origin_form(request, room);
  http::OpenOptions options;
  options.deadline = passage.started + policy_.options().upstream_head_timeout;
  for (;;) {
    auto opened = co_await parts_.upstream.open(options);
    if (!opened) {
      co_return std::unexpected(denial_of(opened.error(), http::SendState::not_sent));
    }
    http::ClientExchange& upstream = **opened;
    auto head = co_await http::relay_request(passage.exchange, body, upstream, target, fields);
    passage.request_bytes = body.bytes();
    if (head) {
      upstream.set_deadline(parts_.executor.now() + policy_.options().upstream_body_timeout);
      co_return Answer{*std::move(opened), *head};
    }
    const bool again = !options.fresh_connection && body.can_rewind() &&
                       may_send_again(head.error(), upstream, request);
    if (!again) co_return std::unexpected(denial_of(head.error(), upstream.send_state()));
    body.rewind();
    options.fresh_connection = true;
  }
}

Task<void> GatewayService::relay_answer(Passage& passage, Answer answer) {
  const ConsumerFields fields(passage.id.text());
  const int status = answer.head->status;
  const auto relayed =
      co_await http::relay_response(*answer.head, *answer.upstream, passage.exchange, fields);
  AuditRecord record = upstream_record_of(passage, status);
  std::string detail;
  if (relayed) [[likely]] {
    record.response_bytes = *relayed;
  } else {
    // relay_response() has broken the consumer's answer off as well: it cannot be taken for a whole one.
    detail = relayed.error().for_log();
    record.detail = detail;
    if (!is_client_failure(relayed.error())) {
      record.reason = protocol::code_of(Reason::upstream_bad_response);
    }
  }
  parts_.audit.record_allowed(record);
}

// The decision was to refuse: it is recorded before the consumer learns of it.
Task<void> GatewayService::refuse(Passage& passage, Denial denial) {
  Reason reason = denial.reason;
  if (reason != Reason::audit_unavailable) {
    AuditRecord record = record_of(passage, AuditOutcome::deny, protocol::status_of(reason));
    record.reason = protocol::code_of(reason);
    record.detail = denial.private_detail;
    if (!parts_.audit.record_now(record)) reason = Reason::audit_unavailable;
  }
  co_await answer(passage, reason);
}

// The request was allowed, but its answer is the gateway's own.
Task<void> GatewayService::answer_failure(Passage& passage, Denial failure) {
  AuditRecord record = upstream_record_of(passage, protocol::status_of(failure.reason));
  record.reason = protocol::code_of(failure.reason);
  record.detail = failure.private_detail;
  parts_.audit.record_allowed(record);
  const bool client_side =
      failure.reason == Reason::body_too_large || failure.reason == Reason::request_malformed;
  if (client_side) passage.exchange.close_after_response();
  co_await answer(passage, failure.reason);
}

Task<void> GatewayService::answer(Passage& passage, Reason reason) {
  const Findings& findings = passage.findings;
  DenialContext context;
  context.decision_id = passage.id.text();
  context.realm = policy_.options().realm;
  context.accepted = policy_.schemes_of(findings.route);
  context.authorization = findings.authorization;
  context.route = findings.route;
  context.allowed_methods = findings.allowed_methods;
  co_await answer_denial(passage.exchange, reason, context);
}

AuditRecord GatewayService::record_of(const Passage& passage, AuditOutcome outcome,
                                      int status) const {
  const Findings& findings = passage.findings;
  const http::RequestHead& request = passage.exchange.request();
  const http::PeerInfo& peer = passage.exchange.peer();
  AuditRecord record;
  record.event = AuditEvent::request;
  record.outcome = outcome;
  record.decision_id = passage.id.text();
  record.method = request.method;
  record.path = request.path;
  record.status = status;
  record.remote = &peer.address.address;
  if (findings.route != nullptr) record.route = findings.route->path;
  if (findings.principal) {
    record.client = findings.principal->client_id();
    record.credential_id = findings.principal->credential_id();
    record.scheme = findings.principal->scheme().name;
    record.token_id = findings.principal->token_id();
  }
  if (peer.certificate != nullptr) {
    record.certificate_thumbprint = peer.certificate->certificate().thumbprint;
  }
  return record;
}

AuditRecord GatewayService::upstream_record_of(const Passage& passage, int status) const {
  AuditRecord record = record_of(passage, AuditOutcome::allow, status);
  record.upstream = std::chrono::duration_cast<std::chrono::microseconds>(parts_.executor.now() -
                                                                          passage.started);
  record.request_bytes = passage.request_bytes;
  return record;
}

}  // namespace countersign::provider
