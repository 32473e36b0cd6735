// What is known about a call when it ends, and what an answer proves (design §4.3). For the egress
// and for the library alike.
//
// Not here: whether a call is repeated (retry_policy.h).
//
// RFC 9110 §9.2 (safe methods), §15 (status codes).

#pragma once

#include <string_view>

#include "http/message.h"

namespace countersign::consumer {

enum class CallOutcome {
  answered,  // the provider's answer came, and it is the answer to this call
  not_sent,  // no byte of the request reached the provider, or it refused before acting
  unknown,   // it may have been processed
};
std::string_view name_of(CallOutcome outcome);

// True if the provider's gateway says, with a reason and a decision id, that it refused the request
// before it forwarded it. Then a repeat cannot do anything twice. Fails closed: a reason that is
// not known proves nothing.
bool is_refused_before_forwarding(const http::ResponseHead& answer);

// What a call has come to with this answer. `maybe_processed`: an earlier attempt of the same call
// left and was not answered. A write is `unknown` although an answer came if
//   - whoever answered says that somebody behind it may have processed the request: a reason code
//     to that effect, or 502 or 504 without one; or
//   - an earlier attempt may have been processed, and this answer is about the attempt (refused for
//     its credential, its rate, a fault on the way), not about the write.
// Safe methods do nothing twice: their answers are `answered`.
CallOutcome outcome_of(const http::ResponseHead& answer, bool is_safe, bool maybe_processed);

}  // namespace countersign::consumer
