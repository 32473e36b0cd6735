// EgressService::Call: what is known about one call on its way through the egress, and the
// decisions about it. Writes the access log's line when it is destroyed, so that a call which is
// given up half-way leaves one too.

#pragma once

#include <optional>
#include <string>

#include "consumer/egress/access_log.h"
#include "consumer/egress/call_context.h"
#include "consumer/egress/egress_problem.h"
#include "consumer/egress/egress_service.h"
#include "http/relay.h"
#include "protocol/decision_id.h"

namespace countersign::consumer {

class EgressService::Call final {
 public:
  // The exchange outlives the call.
  Call(EgressService& service, const http::Exchange& exchange);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const EgressApi* api() const { return api_; }
  BootTime deadline() const { return deadline_; }
  std::string_view target() const { return target_; }
  const Attached& attached() const { return attached_; }
  const CallContext& context() const { return context_; }
  int attempts() const { return attempts_; }
  CallOutcome outcome() const { return outcome_; }
  // The Idempotency-Key that the egress gives the call; empty if there is none, or the caller's.
  std::string_view added_key() const { return added_key_; }
  bool wants_fresh_connection() const { return fresh_connection_; }
  // How much of the body is kept for a repeat.
  size_t keep_bytes() const;

  // Why this request is not forwarded at all; nullopt if it is. A write without a key gets one
  // where its rule says so.
  std::optional<EgressProblem> refusal();

  // Writes that are sent only when their journal entry is durable: record() comes first.
  bool is_journalled() const;
  // Reads the body, and makes the entry. Fails closed: without it nothing is sent.
  Task<std::optional<EgressProblem>> record(http::RelayBody& body);

  // A valid credential is attached. False: wait for one first.
  bool attach();
  EgressProblem not_ready(const NotReady& why) const;
  EgressProblem not_opened(const Error& error) const;

  // The request is about to be sent: from here on its outcome is unknown until the upstream says
  // more.
  void begin_attempt();
  // No connection could be made, or the attempt ended without an answer. True: a repeat is safe,
  // and the rule of this call has one left; pause() comes before it.
  bool may_repeat_unopened(const Error& error);
  bool may_repeat(const Error& error, const http::ClientExchange& upstream,
                  const http::RelayBody& body);
  EgressProblem failed(const Error& error, const http::ClientExchange& upstream) const;
  // The head of the answer came. True: the credential was refused before the call was acted upon;
  // discard the answer, and repeat with the next credential.
  bool must_replace_credential(const http::ResponseHead& head, const http::RelayBody& body);
  // The same for an answer that says that the provider, or a gateway of it, is out of order.
  bool may_repeat_answered(const http::ResponseHead& head, const http::RelayBody& body);
  SleepAwaiter pause() const;
  void answered(const http::ResponseHead& head);

  void refused(const EgressProblem& problem);
  void finished(uint64_t request_bytes, const Result<uint64_t>& response_bytes);
  void count_request(uint64_t bytes) { request_bytes_ = bytes; }

 private:
  const CallRule& find_rule() const;
  std::optional<EgressProblem> choose_key();
  bool is_safe_to_send_twice() const;
  bool repeats_stale(const http::ClientExchange& upstream);
  bool repeats_by_rule(BootClock::duration at_least);
  EgressProblem unanswered(protocol::Reason reason, bool sent, std::string_view code) const;
  EgressProblem body_not_read(const Error& error) const;
  std::optional<EgressProblem> judged(const store::JournalStart& start);
  JournalledRequest journalled_request(std::string_view body) const;
  void end_entry();

  EgressService& service_;
  const http::RequestHead& request_;
  CallContext context_;
  const Instant began_;
  const EgressApi* api_;
  BootTime deadline_;
  std::string_view target_;
  std::string target_storage_;
  const CallRule* rule_ = nullptr;
  std::string_view key_;   // the call's Idempotency-Key: the caller's, or the added one
  std::string added_key_;  // empty without an allocation
  Attached attached_;
  CallOutcome outcome_ = CallOutcome::not_sent;
  int status_ = 0;
  int attempts_ = 0;
  bool maybe_processed_ = false;  // an earlier attempt left and was not answered
  bool repeated_ = false;         // after a kept connection turned out to be closed
  bool fresh_connection_ = false;
  int repeats_ = 0;  // of those that the rule counts
  BootTime resume_at_{};
  bool credential_replaced_ = false;  // after a refusal
  uint64_t request_bytes_ = 0;
  uint64_t response_bytes_ = 0;
  std::optional<protocol::DecisionId> decision_id_;
  std::string code_;
  std::string detail_;  // for the log
  std::string entry_key_;
  uint64_t entry_attempt_ = 0;  // 0: there is no entry to end
};

}  // namespace countersign::consumer
