// A clock whose time is set by the test, on one thread; any thread may read it.

#pragma once

#include <atomic>

#include "core/clock.h"

namespace countersign::testing {

class FakeClock final : public Clock {
 public:
  WallTime wall_now() const override { return wall_.load(); }
  BootTime boot_now() const override { return boot_.load(); }

  // Both clocks move on, as in real time.
  void advance(std::chrono::nanoseconds by) {
    boot_ = boot_.load() + by;
    wall_ = wall_.load() + std::chrono::duration_cast<std::chrono::microseconds>(by);
  }
  // Only the wall clock: somebody set it.
  void step_wall(std::chrono::microseconds by) { wall_ = wall_.load() + by; }

 private:
  std::atomic<WallTime> wall_ = from_unix_seconds(1'800'000'000);
  std::atomic<BootTime> boot_ = BootTime(std::chrono::hours(1));
};

}  // namespace countersign::testing
