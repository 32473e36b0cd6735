// TokenBucket: at most so many in a window, refilled evenly, exact over all threads. One atomic
// number, no lock, no timer: the time at which the bucket would be full again (the virtual
// scheduling form of the generic cell rate algorithm).
//
// What may pass is decided by RateLimit, which does not change; the bucket alone is written.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/clock.h"

namespace countersign {

// `burst` at once, and `requests` in each `window` over time.
struct RateLimit {
  uint32_t requests = 0;  // greater than zero
  BootClock::duration window{};
  uint32_t burst = 0;  // the size of the bucket, greater than zero

  // The time in which one token comes back; at least a nanosecond.
  int64_t interval() const { return std::max<int64_t>(window.count() / requests, 1); }
  // An empty bucket is full after this time.
  int64_t fill_time() const { return interval() * static_cast<int64_t>(burst); }
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

class TokenBucket final {
 public:
  struct Outcome {
    bool taken = false;
    uint32_t remaining = 0;            // tokens that are left
    BootClock::duration until_next{};  // until one can be taken; 0 if there is one
    BootClock::duration until_full{};
  };

  TokenBucket() = default;
  TokenBucket(const TokenBucket&) = delete;
  TokenBucket& operator=(const TokenBucket&) = delete;

  // Takes one token, or none. Fails closed: never more than the limit, whichever threads ask.
  Outcome take(const RateLimit& limit, BootTime now) {
    const int64_t at = now.time_since_epoch().count();
    const int64_t interval = limit.interval();
    const int64_t room = limit.fill_time();
    int64_t full_at = full_at_.load(std::memory_order_relaxed);
    for (;;) {
      const int64_t next = std::max(full_at, at) + interval;
      if (next - at > room) return outcome(false, full_at - at, limit);
      if (full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) {
        return outcome(true, next - at, limit);
      }
    }
  }

  // Gives one token back that was taken and not used.
  void give_back(const RateLimit& limit) {
    full_at_.fetch_sub(limit.interval(), std::memory_order_relaxed);
  }

  // Goes on where `other` stands: a record was read anew.
  void follow(const TokenBucket& other) {
    full_at_.store(other.full_at_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

 private:
  // `debt`: the time until the bucket is full, as of now.
  static Outcome outcome(bool taken, int64_t debt, const RateLimit& limit) {
    const int64_t interval = limit.interval();
    const int64_t room = limit.fill_time() - debt;
    Outcome result;
    result.taken = taken;
    result.remaining = room <= 0 ? 0 : static_cast<uint32_t>(room / interval);
    result.until_next = BootClock::duration(std::max<int64_t>(interval - room, 0));
    result.until_full = BootClock::duration(std::max<int64_t>(debt, 0));
    return result;
  }

  std::atomic<int64_t> full_at_ = 0;  // nanoseconds of BootTime; in the past: full
};

}  // namespace countersign
