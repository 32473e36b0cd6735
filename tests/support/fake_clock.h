// A clock whose time is set by the test.

#pragma once

#include "core/clock.h"

namespace countersign::testing {

class FakeClock final : public Clock {
 public:
  WallTime wall_now() const override { return wall_; }
  BootTime boot_now() const override { return boot_; }

  // Both clocks move on, as in real time.
  void advance(std::chrono::nanoseconds by) {
    boot_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }
  // Only the wall clock: somebody set it.
  void step_wall(std::chrono::microseconds by) { wall_ += by; }

 private:
  WallTime wall_ = from_unix_seconds(1'800'000'000);
  BootTime boot_ = BootTime(std::chrono::hours(1));
};

}  // namespace countersign::testing
