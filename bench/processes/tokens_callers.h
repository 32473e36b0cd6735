// Concurrent callers with a steady pace, and what became of their calls. The peers under
// bench/peers/ do the same in their own languages, by the same definitions.

#pragma once

#include <chrono>
#include <functional>

#include "core/ip_address.h"
#include "core/result.h"

namespace countersign::bench {

struct CallerLoad {
  int callers = 64;
  // From the start of one call to the start of the caller's next, or at once if the call took
  // longer.
  std::chrono::milliseconds pace{200};
  std::chrono::milliseconds stall{75};  // a call that takes longer is counted as stalled
  std::chrono::seconds duration{240};
};

struct CallerResult {
  uint64_t calls = 0;
  uint64_t failed = 0;  // no answer within 10 s, or not a 200
  uint64_t stalled = 0;
  double longest_ms = 0;  // until the answer's last byte
};

// Through an egress: plain HTTP, no credential. Each caller first makes one call that is not
// counted, however it ends; `on_warm` is called when all of these have ended, and then the counting
// begins.
Result<CallerResult> run_callers(const Endpoint& egress, const CallerLoad& load,
                                 const std::function<void()>& on_warm);

}  // namespace countersign::bench
