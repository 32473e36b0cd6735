// EgressService::Call: what is known about one call on its way through the egress, and the
// decisions about it; which attempts are repeated is CallProgress's. Writes the access log's line
// when it is destroyed, so that a call which is given up half-way leaves one too.

#pragma once

#include <optional>
#include <string>

#include "consumer/call_progress.h"
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
  int attempts() const { return progress_.attempts(); }
  CallOutcome outcome() const { return progress_.outcome(); }
  // The Idempotency-Key that the egress gives the call; empty if there is none, or the caller's.
  std::string_view added_key() const { return added_key_; }
  bool wants_fresh_connection() const { return progress_.wants_fresh_connection(); }
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
  bool may_repeat_unopened(const Error& error) {
    return progress_.may_repeat_unopened(error, service_.loop_.now());
  }
  bool may_repeat_failed(const Error& error, const http::ClientExchange& upstream,
                         const http::RelayBody& body);
  EgressProblem failed(const Error& error, const http::ClientExchange& upstream) const;
  // The head of the answer came. True: discard the answer and repeat, as CallProgress says.
  bool may_repeat_answered(const http::ResponseHead& head, const http::RelayBody& body) {
    return head.status >= 400 &&  // else the time is not asked for
           progress_.may_repeat_answered(head, *api_->scheme, attached_.generation,
                                         body.can_rewind(), service_.now());
  }
  SleepAwaiter pause() const { return {service_.loop_, progress_.resume_at()}; }
  void answered(const http::ResponseHead& head);

  void refused(const EgressProblem& problem);
  void finished(uint64_t request_bytes, const Result<uint64_t>& response_bytes);
  void count_request(uint64_t bytes) { request_bytes_ = bytes; }

 private:
  std::string_view find_target();
  const CallRule& find_rule() const;
  BootTime find_deadline() const;
  std::optional<EgressProblem> choose_key();
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
  std::string target_storage_;
  const std::string_view target_;
  const CallRule& rule_;
  const BootTime deadline_;
  CallProgress progress_;
  std::string_view key_;   // the call's Idempotency-Key: the caller's, or the added one
  std::string added_key_;  // empty without an allocation
  Attached attached_;
  int status_ = 0;
  uint64_t request_bytes_ = 0;
  uint64_t response_bytes_ = 0;
  std::optional<protocol::DecisionId> decision_id_;
  std::string code_;
  std::string detail_;  // for the log
  std::string entry_key_;
  uint64_t entry_attempt_ = 0;  // 0: there is no entry to end
};

}  // namespace countersign::consumer
