#include "consumer/call_progress.h"

#include <algorithm>

#include "http/challenge.h"

namespace countersign::consumer {

// Safe methods do nothing twice; by its Idempotency-Key a provider that honours it recognises the
// second.
bool CallProgress::is_safe_to_send_twice() const {
  return facts_.is_safe || (rule_.idempotency_key_honoured && facts_.has_key);
}

// A kept connection that the other end had closed just before: on a new one, and at once.
bool CallProgress::repeats_stale(const http::ClientExchange& upstream, BootTime now) {
  if (repeated_stale_ || !upstream.reused_connection() || now >= facts_.deadline) return false;
  repeated_stale_ = true;
  resume_at_ = now;
  return true;
}

bool CallProgress::repeats_by_rule(BootClock::duration at_least, BootTime now) {
  if (repeats_ >= rule_.retries_max || !policy_) return false;
  const BootTime resume_at = now + std::max(policy_->backoff(rule_, repeats_ + 1), at_least);
  if (resume_at >= facts_.deadline || !policy_->budget().spend()) return false;
  ++repeats_;
  resume_at_ = resume_at;
  return true;
}

bool CallProgress::may_repeat_unopened(const Error& error, BootTime now) {
  return error.kind != ErrorKind::timed_out && error.kind != ErrorKind::misconfigured &&
         repeats_by_rule({}, now);
}

bool CallProgress::may_repeat_failed(const Error& error, const http::ClientExchange& upstream,
                                     bool can_rewind, BootTime now) {
  if (error.kind == ErrorKind::timed_out || !can_rewind) return false;
  const http::SendState state = upstream.send_state();
  const bool not_sent = state == http::SendState::not_sent;
  if (!not_sent && !(state == http::SendState::unknown && is_safe_to_send_twice())) return false;
  if (!repeats_stale(upstream, now) && !repeats_by_rule({}, now)) return false;
  fresh_connection_ = true;
  maybe_processed_ = maybe_processed_ || !not_sent;
  outcome_ = outcome_unanswered(/*sent=*/false);
  return true;
}

bool CallProgress::must_replace_credential(const http::ResponseHead& head, Scheme& scheme,
                                           uint64_t generation, bool can_rewind, BootTime now) {
  if (head.status != 401 && head.status != 403) return false;
  // Asked even where the call cannot be repeated: the credential is spent for all calls.
  const AfterRefusal after = scheme.refused(head, generation);
  if (after != AfterRefusal::repeat || credential_replaced_ || !can_rewind) return false;
  credential_replaced_ = true;
  resume_at_ = now;
  // Refused before it was acted upon: that is the proof that this attempt did nothing.
  outcome_ = outcome_unanswered(/*sent=*/false);
  return true;
}

bool CallProgress::may_repeat_refused(const http::ResponseHead& head, bool can_rewind,
                                      const Instant& now) {
  if (repeats_ >= rule_.retries_max) return false;
  if (std::ranges::find(rule_.retry_statuses, head.status) == rule_.retry_statuses.end())
    return false;
  const bool refused = is_refused_before_forwarding(head);
  if ((!refused && !is_safe_to_send_twice()) || !can_rewind) return false;
  BootClock::duration wanted{};
  if (const http::Field* field = head.find("Retry-After")) {
    const auto wait = http::parse_retry_after(field->value, now.wall);
    if (wait) wanted = *wait;
    if (wanted > rule_.retry_after_max) return false;  // not sooner than the provider asks for
  }
  if (!repeats_by_rule(wanted, now.boot)) return false;
  constexpr int too_many_requests = 429;  // refused by whoever counts, before it was acted upon
  maybe_processed_ = maybe_processed_ || !(refused || head.status == too_many_requests);
  outcome_ = outcome_unanswered(/*sent=*/false);
  return true;
}

}  // namespace countersign::consumer
