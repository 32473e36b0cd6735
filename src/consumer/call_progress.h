// CallProgress: what is known about one call while it is attempted, and which attempt may follow
// (design §4.3). Never more attempts than are proven to be harmless, whatever the rule says.
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

  CallOutcome outcome() const { return outcome_; }
  int attempts() const { return attempts_; }
  // An earlier attempt left and was not answered.
  bool maybe_processed() const { return maybe_processed_; }
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
  // The head of an answer came. True: the credential was refused before the call was acted upon;
  // discard the answer, and repeat with the next credential. The scheme is told in any case.
  bool must_replace_credential(const http::ResponseHead& head, Scheme& scheme, uint64_t generation,
                               bool can_rewind, BootTime now);
  // The same for an answer that says that the provider, or a gateway of it, is out of order.
  bool may_repeat_answered(const http::ResponseHead& head, bool can_rewind, const Instant& now);

  // No repeat follows: what the call has come to.
  void answered(const http::ResponseHead& head) {
    outcome_ = outcome_of(head, facts_.is_safe, maybe_processed_);
  }
  // `sent`: bytes of the last attempt, if there was one, may have left. An earlier attempt that may
  // have been processed is not forgotten because a later one got less far.
  void unanswered(bool sent) { note_unprocessed(sent || maybe_processed_); }

 private:
  bool is_safe_to_send_twice() const;
  bool repeats_stale(const http::ClientExchange& upstream, BootTime now);
  bool repeats_by_rule(BootClock::duration at_least, BootTime now);
  void note_unprocessed(bool maybe_processed) {
    outcome_ = maybe_processed ? CallOutcome::unknown : CallOutcome::not_sent;
  }

  const CallRule& rule_;
  CallPolicy* policy_;
  CallFacts facts_;
  CallOutcome outcome_ = CallOutcome::not_sent;
  int attempts_ = 0;
  int repeats_ = 0;  // of those that the rule counts
  bool maybe_processed_ = false;
  bool repeated_stale_ = false;
  bool fresh_connection_ = false;
  bool credential_replaced_ = false;
  BootTime resume_at_{};
};

}  // namespace countersign::consumer
