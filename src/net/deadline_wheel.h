// DeadlineWheel: coarse deadlines of very many things, swept together. Moving a deadline to a later
// time, which every request does several times, is one store; only moving it nearer relinks. A
// sweep visits what may be due, not what is registered. For exact times there are Timers
// (core/executor.h).

#pragma once

#include <array>
#include <cstdint>

#include "core/clock.h"
#include "net/linked.h"

namespace countersign::net {

// Something with a deadline; leaves the wheel when destroyed.
class Deadlined : public Linked {
 public:
  BootTime deadline() const { return deadline_; }

 protected:
  ~Deadlined() = default;
  // Once per deadline. Called amid the sweep: it may set deadlines, but destroys and resumes
  // nothing.
  virtual void deadline_passed() = 0;

 private:
  friend class DeadlineWheel;
  BootTime deadline_ = BootTime::max();
  int64_t tick_ = 0;  // of the slot it is linked in: at or before its deadline
};

class DeadlineWheel final {
 public:
  // How late a deadline may be noticed. It is never noticed early.
  static constexpr BootClock::duration granularity = std::chrono::milliseconds(100);

  explicit DeadlineWheel(BootTime now) : swept_(now.time_since_epoch() / granularity) {}

  // BootTime::max() means never.
  void set(Deadlined& item, BootTime deadline);
  // When sweep() should next be called; BootTime::max() if nothing is registered.
  BootTime next() const;
  void sweep(BootTime now);

 private:
  static constexpr int64_t slot_count =
      512;  // 51 s; later deadlines wait in the last slot and are looked at again
  LinkedList<Deadlined>& slot(int64_t tick) {
    return slots_[static_cast<size_t>(tick % slot_count)];
  }
  void link(Deadlined& item, int64_t tick);

  std::array<LinkedList<Deadlined>, slot_count> slots_;
  int64_t swept_;                  // the last tick that was swept
  int64_t next_tick_ = INT64_MAX;  // no slot before this one holds anything
};

}  // namespace countersign::net
