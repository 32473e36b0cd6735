// Executor: where Tasks run. net::Loop is the real one (one per thread);
// tests/support/test_executor.h is the one whose time is advanced by hand.
//
// All but post() may be called only on the executor's own thread.

#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "core/clock.h"
#include "core/task.h"

namespace countersign {

// A point in time at which fire() is called once. Intrusive: whoever holds it keeps it alive while
// armed, and its destructor disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  bool armed() const { return owner_ != nullptr; }

 protected:
  virtual void fire() = 0;

 private:
  friend class Executor;
  friend class TimerQueue;
  class Executor* owner_ = nullptr;
  BootTime when_{};
  uint64_t sequence_ = 0;
  size_t heap_index_ = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;

  // Read once per turn of the loop; costs a load.
  virtual BootTime now() const = 0;
  // Read anew by each call: for what is told to others, not for deadlines.
  virtual WallTime wall_now() const = 0;

  // Runs `work` on this executor's thread, soon, in order. Thread-safe.
  virtual void post(std::move_only_function<void()> work) = 0;

  // Calls timer.fire() at or shortly after `when`. Arming an armed timer moves it.
  void arm(Timer& timer, BootTime when);
  void disarm(Timer& timer);

  // Starts `task` now and keeps it until it ends or the executor is destroyed.
  virtual void spawn(Task<void> task) = 0;

 protected:
  virtual class TimerQueue& timers() = 0;
};

// The timers of one executor: a 4-ary heap, O(log n) for arm and disarm. A million are fine.
class TimerQueue final {
 public:
  void add(Executor& owner, Timer& timer, BootTime when);
  void remove(Timer& timer);
  // The earliest time, or BootTime::max() if none is armed.
  BootTime next() const { return heap_.empty() ? BootTime::max() : heap_.front()->when_; }
  // Fires those due at `now`, in order of time, then of arming. What is armed meanwhile waits for
  // the next call, so that a timer which re-arms itself in the past cannot keep the caller here.
  void fire_due(BootTime now);
  size_t size() const { return heap_.size(); }
  ~TimerQueue();

 private:
  static bool before(const Timer* a, const Timer* b);
  void place(size_t index, Timer* timer);
  void sift_up(size_t index);
  void sift_down(size_t index);
  std::vector<Timer*> heap_;
  uint64_t next_sequence_ = 0;
};

// co_await sleep_until(executor, when);
class SleepAwaiter final : private Timer {
 public:
  SleepAwaiter(Executor& executor, BootTime when) : executor_(executor), when_(when) {}
  bool await_ready() const { return when_ <= executor_.now(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    executor_.arm(*this, when_);
  }
  void await_resume() const {}

 private:
  void fire() override { waiting_.resume(); }
  Executor& executor_;
  BootTime when_;
  std::coroutine_handle<> waiting_;
};
inline SleepAwaiter sleep_until(Executor& executor, BootTime when) {
  return {executor, when};
}
inline SleepAwaiter sleep_for(Executor& executor, BootClock::duration duration) {
  return {executor, executor.now() + duration};
}

// Something that many Tasks of one thread wait for. set() resumes all that wait; later waiters do
// not wait until reset(). A waiter may set a deadline: await gives false if that came first.
class Event final {
 public:
  explicit Event(Executor& executor) : executor_(executor) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }

  class Awaiter;
  // bool in_time = co_await event.wait(deadline);
  Awaiter wait(BootTime deadline = BootTime::max());

 private:
  void wake_all(bool happened);
  Executor& executor_;
  bool set_ = false;
  std::list<Awaiter*> waiting_;
};

class Event::Awaiter final : private Timer {
 public:
  Awaiter(Event& event, BootTime deadline) : event_(&event), deadline_(deadline) {}
  ~Awaiter() override;
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting);
  // True: the event was set. False: the deadline came first, or the event was destroyed.
  bool await_resume() const { return happened_; }

 private:
  friend class Event;
  void fire() override;
  Event* event_;
  BootTime deadline_;
  std::coroutine_handle<> waiting_;
  std::list<Awaiter*>::iterator place_;
  bool queued_ = false;
  bool happened_ = false;
};

}  // namespace countersign
