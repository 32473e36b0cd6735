// What the egress answers when it cannot give the upstream's answer: a problem document (RFC 9457)
// that says whose it is and whether the call may have been processed.

#pragma once

#include <string>
#include <string_view>

#include "consumer/egress/access_log.h"
#include "core/task.h"
#include "http/service.h"
#include "protocol/reason.h"

namespace countersign::consumer {

struct EgressProblem {
  protocol::Reason reason = protocol::Reason::internal_error;
  int status = 0;  // 0: the reason's own
  CallOutcome outcome = CallOutcome::not_sent;
  int attempts = 0;
  BootClock::duration retry_after{};  // 0: no Retry-After
  std::string code = {};              // the error behind it; empty: the reason says enough
  std::string trace_id = {};          // 32 hexadecimal digits; empty: none
  std::string detail_for_log = {};    // the same in full; never in the answer
  std::string added_key = {};         // the Idempotency-Key that the egress gave the call
};

int status_of(const EgressProblem& problem);

// Answers the exchange, unless an answer has begun: then it is aborted. `problem` outlives the
// Task.
Task<Result<void>> respond_egress_problem(http::Exchange& exchange, const EgressProblem& problem);

inline constexpr std::string_view outcome_field = "Countersign-Outcome";
inline constexpr std::string_view attempts_field = "Countersign-Attempts";
// On answers to writes to which the egress has added a key: with it the caller can repeat them.
inline constexpr std::string_view added_key_field = "Countersign-Idempotency-Key";

}  // namespace countersign::consumer
