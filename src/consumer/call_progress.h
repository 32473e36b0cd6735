// CallProgress: what is known about one call while it is attempted, and which attempt may follow
// (design §4.3). Never more attempts than are proven to be harmless, whatever the rule says. For
// the egress and for the library alike.
//
// Decides, and does nothing: who calls opens connections, sends and waits. Fails closed: what is
// not known to be harmless is not repeated, and is not called `not_sent`.
//
// RFC 9110 §9.2.1 (safe methods), §10.2.3 (Retry-After).

#pragma once

#include "consumer/call_policy.h"
#include "consumer/outcome.h"
#include "consumer/schemes/scheme.h"
#include "http/client.h"

namespace countersign::consumer {

struct CallFacts {
  bool is_safe = false;  // RFC 9110 §9.2.1
  bool has_key = false;  // carries an Idempotency-Key
  BootTime deadline{};
};

class CallProgress final {
 public:
  // `rule` and `policy` outlive the object. `policy` null: no repeats by the rule.
  CallProgress(const CallRule& rule, CallPolicy* policy, const CallFacts& facts)
      : rule_(rule), policy_(policy), facts_(facts) {}

  // The call has been given an Idempotency-Key.
  void note_key() { facts_.has_key = true; }
  // The journal knows of an attempt before this call's own.
  void note_earlier_attempt() { maybe_processed_ = true; }

  CallOutcome outcome() const { return outcome_; }
  int attempts() const { return attempts_; }
  // Where the next attempt has to be on a connection that was never used.
  bool wants_fresh_connection() const { return fresh_connection_; }
  // Not before this; set by the last function that allowed a repeat.
  BootTime resume_at() const { return resume_at_; }

  // The request is about to be sent: from here on its outcome is unknown until more is known.
  void begin_attempt() {
    ++attempts_;
    outcome_ = CallOutcome::unknown;
  }

  // No connection could be made.
  bool may_repeat_unopened(const Error& error, BootTime now);
  // The attempt ended without an answer. `can_rewind`: the whole request can be sent once more.
  bool may_repeat_failed(const Error& error, const http::ClientExchange& upstream, bool can_rewind,
                         BootTime now);
  // The head of an answer came. True: discard the answer, and repeat: the credential was refused
  // before the call was acted upon, and the next one can be attached; or the answer says that the
  // provider, or a gateway of it, is out of order. `scheme` is told of a refused credential in any
  // case; `generation` is the one that was attached.
  bool may_repeat_answered(const http::ResponseHead& head, Scheme& scheme, uint64_t generation,
                           bool can_rewind, const Instant& now) {
    if (head.status < 400) [[likely]]
      return false;
    return must_replace_credential(head, scheme, generation, can_rewind, now.boot) ||
           may_repeat_refused(head, can_rewind, now);
  }

  // No repeat follows: what the call has come to.
  void answered(const http::ResponseHead& head) {
    outcome_ = outcome_of(head, facts_.is_safe, maybe_processed_);
  }
  // What the call has come to without an answer. `sent`: bytes of the last attempt, if there was
  // one, may have left. An earlier attempt that may have been processed is not forgotten because a
  // later one got less far.
  CallOutcome outcome_unanswered(bool sent) const {
    return sent || maybe_processed_ ? CallOutcome::unknown : CallOutcome::not_sent;
  }
  void ended(CallOutcome outcome) { outcome_ = outcome; }

 private:
  bool is_safe_to_send_twice() const;
  bool must_replace_credential(const http::ResponseHead& head, Scheme& scheme, uint64_t generation,
                               bool can_rewind, BootTime now);
  bool may_repeat_refused(const http::ResponseHead& head, bool can_rewind, const Instant& now);
  bool repeats_stale(const http::ClientExchange& upstream, BootTime now);
  bool repeats_by_rule(BootClock::duration at_least, BootTime now);

  const CallRule& rule_;
  CallPolicy* policy_;
  CallFacts facts_;
  CallOutcome outcome_ = CallOutcome::not_sent;
  int attempts_ = 0;
  int repeats_ = 0;               // of those that the rule counts
  bool maybe_processed_ = false;  // an attempt before this one left and was not answered
  bool repeated_stale_ = false;   // after a kept connection turned out to be closed
  bool fresh_connection_ = false;
  bool credential_replaced_ = false;
  BootTime resume_at_{};
};

}  // namespace countersign::consumer
