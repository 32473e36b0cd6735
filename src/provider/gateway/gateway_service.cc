#include "provider/gateway/gateway_service.h"

#include <string>
#include <utility>

#include "crypto/verified_peer.h"
#include "provider/gateway/cut_offs.h"
#include "provider/gateway/denial_answer.h"
#include "provider/gateway/forwarded_fields.h"
#include "provider/gateway/upstream_failure.h"

namespace countersign::provider {

using protocol::Denial;
using protocol::Reason;

namespace {

// Who is at the other end of the connection has no business there any more.
bool ends_connection(Reason reason) {
  return reason == Reason::certificate_expired || reason == Reason::certificate_revoked ||
         reason == Reason::client_disabled || reason == Reason::key_revoked;
}

}  // namespace

GatewayService::GatewayService(const GatewayPolicy& policy, GatewayParts parts)
    : policy_(policy),
      parts_(parts),
      pipeline_(policy, parts.registry, parts.trust, parts.peppers),
      ids_(parts.entropy) {}

Task<void> GatewayService::serve(http::Exchange& exchange) {
  const Moment now{parts_.clock.wall_now(), parts_.executor.now()};
  Passage passage(exchange, ids_.next(now.wall), now.boot);
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
  passage.registry_version = parts_.registry.version();
  open_.add(passage);
  parts_.audit.begin(passage);
  auto answered = co_await ask_upstream(passage);
  if (passage.cut) [[unlikely]] {
    co_await end_cut_off(passage);
  } else if (answered) [[likely]] {
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
  const std::string_view target = request.origin_form;  // with the path that was decided about
  http::OpenOptions options;
  options.deadline = passage.started + policy_.options().upstream_head_timeout;
  for (;;) {
    auto opened = co_await parts_.upstream.open(options);
    if (!opened) {
      co_return std::unexpected(denial_of(opened.error(), http::SendState::not_sent));
    }
    http::ClientExchange& upstream = **opened;
    // Connecting can take seconds.
    if (!stands(passage)) co_return std::unexpected(*passage.cut);
    passage.upstream = &upstream;
    auto head = co_await http::relay_request(passage.exchange, body, upstream, target, fields);
    passage.request_bytes = body.bytes();
    if (head) passage.sent = true;
    if (head && !passage.cut) {
      upstream.set_deadline(parts_.executor.now() + policy_.options().upstream_body_timeout);
      co_return Answer{*std::move(opened), *head};
    }
    passage.upstream = nullptr;
    if (passage.cut) {
      passage.sent = passage.sent || upstream.send_state() != http::SendState::not_sent;
      co_return std::unexpected(*passage.cut);
    }
    const bool again = !options.fresh_connection && body.can_rewind() &&
                       may_send_again(head.error(), upstream, request);
    if (!again) co_return std::unexpected(denial_of(head.error(), upstream.send_state()));
    body.rewind();
    options.fresh_connection = true;
  }
}

Task<void> GatewayService::relay_answer(Passage& passage, Answer answer) {
  const ConsumerFields fields(passage.id.text(), passage.findings.limit);
  const int status = answer.head->status;
  const auto relayed =
      co_await http::relay_response(*answer.head, *answer.upstream, passage.exchange, fields);
  AuditRecord record = passage.forwarded_record(status, parts_.executor.now());
  std::string detail;
  if (relayed) [[likely]] {
    record.response_bytes = *relayed;
  } else {
    // relay_response() has broken the consumer's answer off as well: it cannot be taken for a whole
    // one.
    detail = relayed.error().for_log();
    record.detail = detail;
    if (passage.cut) {
      record.reason = protocol::code_of(passage.cut->reason);
      detail = "cut off while its answer was under way: " + passage.cut->private_detail;
      record.detail = detail;
    } else if (!is_client_failure(relayed.error())) {
      record.reason = protocol::code_of(Reason::upstream_bad_response);
    }
  }
  parts_.audit.end(passage, record);
}

// False: a cut-off has come since it was let through; `cut` says which.
bool GatewayService::stands(Passage& passage) {
  if (passage.cut) return false;
  parts_.registry.sync();
  if (parts_.registry.version() == passage.registry_version) [[likely]]
    return true;
  passage.registry_version = parts_.registry.version();
  auto standing =
      check_still_standing(*passage.findings.principal, passage.exchange.peer(), parts_.registry);
  if (standing) return true;
  passage.cut = std::move(standing).error();
  return false;
}

void GatewayService::enforce_cut_offs() {
  open_.for_each([this](PassageLink& link) {
    auto& passage = static_cast<Passage&>(link);
    if (passage.cut || stands(passage)) return;
    // What waits for a connection to the upstream can still be told why.
    if (passage.upstream == nullptr) return;
    // Where else it waits, for the consumer or for the upstream, the wait ends.
    passage.upstream->set_deadline(parts_.executor.now());
    passage.exchange.cut();
    passage.unreachable = true;
  });
}

bool GatewayService::may_stay_connected(const http::PeerInfo& peer) {
  if (peer.certificate == nullptr) return true;
  parts_.registry.sync();
  return provider::may_stay_connected(peer.certificate->certificate(), parts_.registry);
}

// What nothing was sent of is refused like any other. What the upstream may have seen is recorded
// as forwarded, and its consumer is told nothing that could read as a refusal.
Task<void> GatewayService::end_cut_off(Passage& passage) {
  Denial denial = *passage.cut;
  denial.private_detail.insert(0, "cut off while it was under way: ");
  if (!passage.sent && !passage.unreachable) co_return co_await refuse(passage, std::move(denial));
  AuditRecord record = passage.record(passage.sent ? AuditOutcome::allow : AuditOutcome::deny, 0);
  record.reason = protocol::code_of(denial.reason);
  record.detail = denial.private_detail;
  parts_.audit.end(passage, record);
  // At once. What cannot be written waits in the log, and is counted there.
  static_cast<void>(parts_.audit.flush());
  passage.exchange.abort();
}

// The decision was to refuse: it is recorded before the consumer learns of it.
Task<void> GatewayService::refuse(Passage& passage, Denial denial) {
  const Reason reason = co_await record_refusal(parts_.audit, passage, denial);
  co_await answer(passage, reason);
}

// The request was allowed, but its answer is the gateway's own.
Task<void> GatewayService::answer_failure(Passage& passage, Denial failure) {
  AuditRecord record =
      passage.forwarded_record(protocol::status_of(failure.reason), parts_.executor.now());
  record.reason = protocol::code_of(failure.reason);
  record.detail = failure.private_detail;
  parts_.audit.end(passage, record);
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
  if (ends_connection(reason)) passage.exchange.retire_connection();
  context.route = findings.route;
  context.allowed_methods = findings.allowed_methods;
  if (findings.limit) context.limit = &*findings.limit;
  co_await answer_denial(passage.exchange, reason, context);
}

}  // namespace countersign::provider
