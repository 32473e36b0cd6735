#include "core/executor.h"

#include <algorithm>

namespace countersign {

Timer::~Timer() {
  if (owner_) owner_->disarm(*this);
}

void Executor::arm(Timer& timer, BootTime when) {
  if (timer.owner_) timer.owner_->disarm(timer);
  // A time in the past is now: a timer that arms itself there again and again must not stay ahead
  // of all others.
  timers().add(*this, timer, std::max(when, now()));
}

void Executor::disarm(Timer& timer) {
  if (timer.owner_) timers().remove(timer);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->owner_ = nullptr;
}

void TimerQueue::add(Executor& owner, Timer& timer, BootTime when) {
  timer.owner_ = &owner;
  timer.when_ = when;
  timer.sequence_ = next_sequence_++;
  heap_.push_back(nullptr);
  place(heap_.size() - 1, &timer);
  sift_up(timer.heap_index_);
}

void TimerQueue::remove(Timer& timer) {
  const size_t index = timer.heap_index_;
  timer.owner_ = nullptr;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(index, last);
  sift_up(index);
  sift_down(last->heap_index_);
}

void TimerQueue::fire_due(BootTime now) {
  const uint64_t limit = next_sequence_;
  while (!heap_.empty()) {
    Timer* timer = heap_.front();
    if (timer->when_ > now || timer->sequence_ >= limit) break;
    remove(*timer);
    timer->fire();
  }
}

bool TimerQueue::before(const Timer* a, const Timer* b) {
  return a->when_ != b->when_ ? a->when_ < b->when_ : a->sequence_ < b->sequence_;
}

void TimerQueue::place(size_t index, Timer* timer) {
  heap_[index] = timer;
  timer->heap_index_ = index;
}

void TimerQueue::sift_up(size_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 4;
    if (before(heap_[parent], timer)) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(size_t index) {
  Timer* timer = heap_[index];
  for (;;) {
    const size_t first = index * 4 + 1;
    if (first >= heap_.size()) break;
    const size_t last = std::min(first + 4, heap_.size());
    size_t least = first;
    for (size_t child = first + 1; child < last; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (before(timer, heap_[least])) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, timer);
}

Event::~Event() {
  wake_all(false);  // nobody may be left waiting for what no longer exists
}

void Event::set() {
  set_ = true;
  wake_all(true);
}

void Event::wake_all(bool happened) {
  std::list<Awaiter*> woken;
  woken.swap(waiting_);
  for (Awaiter* awaiter : woken) {
    awaiter->queued_ = false;
    awaiter->happened_ = happened;
    executor_.arm(*awaiter, executor_.now());
  }
}

Event::Awaiter Event::wait(BootTime deadline) {
  return Awaiter(*this, deadline);
}

Event::Awaiter::~Awaiter() {
  if (queued_) event_->waiting_.erase(place_);
}

bool Event::Awaiter::await_ready() {
  happened_ = event_->set_;
  return happened_;
}

void Event::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  place_ = event_->waiting_.insert(event_->waiting_.end(), this);
  queued_ = true;
  if (deadline_ != BootTime::max()) event_->executor_.arm(*this, deadline_);
}

void Event::Awaiter::fire() {
  if (queued_) {
    event_->waiting_.erase(place_);
    queued_ = false;
  }
  waiting_.resume();
}

}  // namespace countersign
