// Time comes in by constructor. Tests use tests/support/fake_clock.h and advance it; nothing
// sleeps.

#pragma once

#include <chrono>

namespace countersign {

// Wall-clock time, microseconds since 1970 (UTC, no leap seconds).
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// A clock that never steps and runs on while the machine is suspended (CLOCK_BOOTTIME).
struct BootClock {
  using rep = int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall_now() const = 0;
  virtual BootTime boot_now() const = 0;
};

// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  WallTime wall_now() const override;
  BootTime boot_now() const override;
};

// Whole seconds since 1970, as JWT's NumericDate (RFC 7519 §2) counts them; rounds down.
inline int64_t to_unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline WallTime from_unix_seconds(int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

}  // namespace countersign
