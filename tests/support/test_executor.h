// An Executor whose time is advanced by hand: run() does all that can be done now; advance() moves
// time on from timer to timer. post() may come from other threads, as with the real one.

#pragma once

#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <utility>

#include "core/executor.h"
#include "support/fake_clock.h"

namespace countersign::testing {

class TestExecutor final : public Executor {
 public:
  explicit TestExecutor(FakeClock& clock) : clock_(clock) {}

  BootTime now() const override { return clock_.boot_now(); }
  WallTime wall_now() const override { return clock_.wall_now(); }
  void post(std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  void spawn(Task<void> task) override {
    tasks_.push_back(std::move(task));
    tasks_.back().start();
  }

  // Runs posted work and due timers until nothing is left to do at this time.
  void run() {
    for (;;) {
      std::deque<std::move_only_function<void()>> work;
      {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
      }
      if (work.empty() && queue_.next() > now()) break;
      for (auto& item : work) item();
      queue_.fire_due(now());
    }
    tasks_.remove_if([](const Task<void>& task) { return task.done(); });
  }

  // Time moves on by `by`, stopping at each timer on the way.
  void advance(std::chrono::nanoseconds by) {
    const BootTime end = now() + by;
    run();
    while (queue_.next() <= end) {
      clock_.advance(std::max(queue_.next() - now(), std::chrono::nanoseconds(0)));
      run();
    }
    clock_.advance(end - now());
    run();
  }

  // Runs `task` to its end without moving time; aborts the test program if it waits for something
  // that never comes.
  template <typename T>
  T run_until_done(Task<T> task) {
    task.start();
    run();
    if (!task.done()) panic("a Task waits for something that the test did not provide");
    return task.take_result();
  }

  // When the next timer is due; BootTime::max() if there is none.
  BootTime next_timer() const { return queue_.next(); }

  size_t tasks_running() {
    tasks_.remove_if([](const Task<void>& task) { return task.done(); });
    return tasks_.size();
  }

 private:
  TimerQueue& timers() override { return queue_; }

  FakeClock& clock_;
  TimerQueue queue_;
  std::mutex mutex_;
  std::deque<std::move_only_function<void()>> posted_;
  std::list<Task<void>> tasks_;
};

}  // namespace countersign::testing
