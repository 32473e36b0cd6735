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

  // Why this request is not forwarded at all; nullopt if it is.
  std::optional<EgressProblem> refusal() const;

  // A valid credential is attached. False: wait for one first.
  bool attach();
  EgressProblem not_ready(const NotReady& why) const;
  EgressProblem not_opened(const Error& error) const;

  // The request is about to be sent: from here on its outcome is unknown until the upstream says
  // more.
  void begin_attempt();
  // The attempt ended without an answer. True: sending again is safe, and this call has not used
  // its one repeat.
  bool may_repeat(const Error& error, const http::ClientExchange& upstream,
                  const http::RelayBody& body);
  EgressProblem failed(const Error& error, const http::ClientExchange& upstream) const;
  // The head of the answer came. True: the credential was refused before the call was acted upon;
  // discard the answer, and repeat with the next credential.
  bool must_replace_credential(const http::ResponseHead& head, const http::RelayBody& body);
  void answered(const http::ResponseHead& head);

  void refused(const EgressProblem& problem);
  void finished(uint64_t request_bytes, const Result<uint64_t>& response_bytes);
  void count_request(uint64_t bytes) { request_bytes_ = bytes; }

 private:
  bool is_safe_to_send_twice() const;
  EgressProblem unanswered(protocol::Reason reason, bool sent, std::string_view code) const;

  EgressService& service_;
  const http::RequestHead& request_;
  CallContext context_;
  const Instant began_;
  const EgressApi* api_;
  BootTime deadline_;
  std::string_view target_;
  std::string target_storage_;
  Attached attached_;
  CallOutcome outcome_ = CallOutcome::not_sent;
  int status_ = 0;
  int attempts_ = 0;
  bool maybe_processed_ = false;      // an earlier attempt left and was not answered
  bool repeated_ = false;             // after a lost connection
  bool credential_replaced_ = false;  // after a refusal
  uint64_t request_bytes_ = 0;
  uint64_t response_bytes_ = 0;
  std::optional<protocol::DecisionId> decision_id_;
  std::string code_;
  std::string detail_;  // for the log
};

}  // namespace countersign::consumer
