// EgressService::Call: which attempts are repeated, and when (design §4.3). Never more than is
// proven to be harmless, whatever the configuration says.

#include <algorithm>

#include "consumer/egress/egress_call.h"
#include "http/challenge.h"

namespace countersign::consumer {

// Safe methods do nothing twice (RFC 9110 §9.2.1); by its Idempotency-Key a provider that honours
// it recognises the second.
bool EgressService::Call::is_safe_to_send_twice() const {
  return request_.is_safe() || (rule_->idempotency_key_honoured && !key_.empty());
}

// A kept connection that the other end had closed just before: on a new one, and at once.
bool EgressService::Call::repeats_stale(const http::ClientExchange& upstream) {
  if (repeated_ || !upstream.reused_connection() || service_.loop_.now() >= deadline_) return false;
  repeated_ = true;
  resume_at_ = service_.loop_.now();
  return true;
}

bool EgressService::Call::repeats_by_rule(BootClock::duration at_least) {
  if (repeats_ >= rule_->retries_max || !api_->policy) return false;
  const auto pause = std::max(api_->policy->backoff(*rule_, repeats_ + 1), at_least);
  const BootTime resume_at = service_.loop_.now() + pause;
  if (resume_at >= deadline_ || !api_->policy->budget().spend()) return false;
  ++repeats_;
  resume_at_ = resume_at;
  return true;
}

SleepAwaiter EgressService::Call::pause() const {
  return {service_.loop_, resume_at_};
}

bool EgressService::Call::may_repeat_unopened(const Error& error) {
  return error.kind != ErrorKind::timed_out && error.kind != ErrorKind::misconfigured &&
         repeats_by_rule({});
}

bool EgressService::Call::may_repeat(const Error& error, const http::ClientExchange& upstream,
                                     const http::RelayBody& body) {
  const bool callers_fault = error.code.starts_with("http.client_");
  if (callers_fault || error.kind == ErrorKind::timed_out || !body.can_rewind()) return false;
  const http::SendState state = upstream.send_state();
  const bool not_sent = state == http::SendState::not_sent;
  if (!not_sent && !(state == http::SendState::unknown && is_safe_to_send_twice())) return false;
  if (!repeats_stale(upstream) && !repeats_by_rule({})) return false;
  fresh_connection_ = true;
  maybe_processed_ = maybe_processed_ || !not_sent;
  outcome_ = maybe_processed_ ? CallOutcome::unknown : CallOutcome::not_sent;
  return true;
}

bool EgressService::Call::may_repeat_answered(const http::ResponseHead& head,
                                              const http::RelayBody& body) {
  if (head.status < 400 || repeats_ >= rule_->retries_max) [[likely]]
    return false;
  if (std::ranges::find(rule_->retry_statuses, head.status) == rule_->retry_statuses.end())
    return false;
  const bool refused = is_refused_before_forwarding(head);
  if ((!refused && !is_safe_to_send_twice()) || !body.can_rewind()) return false;
  BootClock::duration wanted{};
  if (const http::Field* field = head.find("Retry-After")) {
    const auto wait = http::parse_retry_after(field->value, service_.now().wall);
    if (wait) wanted = *wait;
    if (wanted > rule_->retry_after_max) return false;  // not sooner than the provider asks for
  }
  if (!repeats_by_rule(wanted)) return false;
  constexpr int too_many_requests = 429;  // refused by whoever counts, before it was acted upon
  maybe_processed_ = maybe_processed_ || !(refused || head.status == too_many_requests);
  outcome_ = maybe_processed_ ? CallOutcome::unknown : CallOutcome::not_sent;
  return true;
}

}  // namespace countersign::consumer
