#include "net/deadline_wheel.h"

#include <algorithm>

namespace countersign::net {

void DeadlineWheel::set(Deadlined& item, BootTime deadline) {
  item.deadline_ = deadline;
  // The slot it is in comes before its deadline: the sweep will look then, and link it anew.
  if (deadline == BootTime::max()) return;
  const BootClock::duration since_boot = deadline.time_since_epoch();
  const int64_t tick =
      since_boot / granularity + (since_boot % granularity > since_boot.zero() ? 1 : 0);
  if (!item.linked() || tick < item.tick_) link(item, tick);
}

void DeadlineWheel::link(Deadlined& item, int64_t tick) {
  item.tick_ = std::clamp(tick, swept_ + 1, swept_ + slot_count - 1);
  slot(item.tick_).push_back(item);
  next_tick_ = std::min(next_tick_, item.tick_);
}

BootTime DeadlineWheel::next() const {
  return next_tick_ == INT64_MAX ? BootTime::max() : BootTime(next_tick_ * granularity);
}

void DeadlineWheel::sweep(BootTime now) {
  const int64_t current = now.time_since_epoch() / granularity;
  if (current <= swept_) return;
  LinkedList<Deadlined> due;
  const int64_t first = std::max(swept_ + 1, current - slot_count + 1);
  for (int64_t tick = first; tick <= current; ++tick) due.take_all(slot(tick));
  swept_ = current;
  next_tick_ = INT64_MAX;
  while (!due.empty()) {
    Deadlined& item = due.pop_front();
    if (item.deadline_ <= now) {
      item.deadline_passed();
    } else {
      set(item, item.deadline_);
    }
  }
  for (int64_t tick = current + 1; tick < current + slot_count && tick < next_tick_; ++tick) {
    if (!slot(tick).empty()) next_tick_ = tick;
  }
}

}  // namespace countersign::net
