// Loop: the Executor that waits for file descriptors, one per thread. Small on purpose.
//
// A turn: wait for events and note them; then run what they woke, what was posted, timers that are
// due; then the end-of-turn work. Noting an event runs no code of the woken, so nothing can be
// destroyed while events still point at it; what is woken or posted while others run waits for the
// next turn, so that no one can keep the others from theirs.

#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "core/executor.h"
#include "core/result.h"
#include "net/deadline_wheel.h"
#include "net/fd.h"
#include "net/linked.h"
#include "net/task_group.h"

namespace countersign::net {

// Is told what the kernel reports about one descriptor.
class Watched {
 protected:
  friend class Loop;
  ~Watched() = default;
  // `events` as of epoll_wait. Only notes them and schedules Wakeups: it destroys and resumes
  // nothing.
  virtual void on_events(uint32_t events) = 0;
};

// Runs once in a turn for which it was scheduled; takes itself off when destroyed.
class Wakeup : public Linked {
 public:
  bool scheduled() const { return linked(); }

 protected:
  friend class Loop;
  ~Wakeup() = default;
  virtual void run() = 0;  // may destroy this object
};

class Loop final : public Executor {
 public:
  static Result<std::unique_ptr<Loop>> create();
  // Destroys the spawned tasks, latest first, then what was posted. Everything watched is gone by
  // then.
  ~Loop() override;

  // Turns until stop(). A loop that was stopped can run again.
  void run();
  // One turn; waits for something to do if `wait` is true.
  void turn(bool wait);
  // Thread-safe; run() returns after the turn under way.
  void stop();

  // Turns until `task` is done: for programs that have one thing to do, and for tests.
  template <typename T>
  T run_until_done(Task<T> task);

  BootTime now() const override { return now_; }
  WallTime wall_now() const override { return SystemClock().wall_now(); }
  void post(std::move_only_function<void()> work) override;
  void spawn(Task<void> task) override;
  size_t tasks_running() const { return tasks_.size(); }
  // Destroys the spawned tasks, latest first. Not from inside one of them.
  void cancel_tasks() { tasks_.cancel_all(); }

  // Calls `work` once, after everything else of this turn and before the loop waits again: many
  // lines of a log leave in one write. What is added by such work waits for the next turn.
  void at_end_of_turn(std::move_only_function<void()> work);

  // For what wraps descriptors. `events` as for epoll_ctl; the descriptor and `watched` outlive the
  // watch.
  Result<void> watch(int fd, uint32_t events, Watched& watched);
  void unwatch(int fd);
  // In the next turn (or in this one, if its wakeups have not begun). Scheduling twice is once.
  void schedule(Wakeup& wakeup) {
    if (!wakeup.scheduled()) ready_.push_back(wakeup);
  }
  DeadlineWheel& deadlines() { return deadlines_; }
  // Counts turns, so that work can be bounded per turn.
  uint64_t turn_number() const { return turn_number_; }

 private:
  Loop(Fd epoll, Fd wake);
  TimerQueue& timers() override { return timers_; }
  int timeout_in_ms() const;
  void note_events(int timeout);
  void run_posted();
  void run_ready();
  void run_end_of_turn();
  void wake_up();

  Fd epoll_;
  Fd wake_;  // eventfd, edge-triggered: never read
  BootTime now_;
  uint64_t turn_number_ = 0;
  TimerQueue timers_;
  DeadlineWheel deadlines_;
  LinkedList<Wakeup> ready_;
  std::vector<std::move_only_function<void()>> end_of_turn_;

  std::atomic<bool> stop_ = false;
  std::atomic<bool> has_posted_ = false;
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
  TaskGroup tasks_;
};

template <typename T>
T Loop::run_until_done(Task<T> task) {
  now_ = std::max(now_, SystemClock().boot_now());
  task.start();
  while (!task.done()) turn(true);
  if constexpr (!std::is_void_v<T>) return task.take_result();
}

}  // namespace countersign::net
