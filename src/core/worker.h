// Worker: threads for work that blocks (name resolution, files, databases). A loop's coroutine
// awaits it with run_on() and never blocks its own thread.

#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/executor.h"
#include "core/result.h"

namespace countersign {

class Worker final {
 public:
  struct Options {
    int threads = 1;
    size_t queue_max = 256;  // more waiting work than this is refused: it would only be late
  };
  explicit Worker(const Options& options);
  // Finishes what is under way, drops what still waits, joins the threads.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `work` on one of the threads, in order. False if the queue is full. Thread-safe.
  bool submit(std::move_only_function<void()> work);

 private:
  void serve();
  size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// `co_await run_on<int>(worker, executor, [..] -> Result<int> { … })`: runs the function on the
// worker and resumes on `executor`, the awaiting coroutine's own. `core.worker_busy` if the queue
// is full, `core.worker_stopped` if the worker was destroyed first, `core.worker_timeout` if the
// deadline passed first.
//
// The awaiting Task may be destroyed at any time: the function then still runs to its end (or not
// at all), and its result is dropped. So the function owns all that it uses. Worker and executor
// may die in either order, once no Task awaits them.
template <typename T>
class RunOn final : private Timer {
 public:
  RunOn(Worker& worker, Executor& executor, std::move_only_function<Result<T>()> work,
        BootTime deadline)
      : worker_(worker), executor_(executor), work_(std::move(work)), deadline_(deadline) {}
  RunOn(const RunOn&) = delete;
  ~RunOn() override {
    if (shared_) abandon();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    shared_ = std::make_shared<Shared>();
    shared_->awaiter = this;
    if (deadline_ != BootTime::max()) executor_.arm(*this, deadline_);
    if (worker_.submit(Job(shared_, std::move(work_)))) return true;
    executor_.disarm(*this);
    abandon();
    result_ = fail(ErrorKind::rate_limited, "core.worker_busy", "too much work is waiting");
    return false;
  }
  Result<T> await_resume() { return *std::move(result_); }

 private:
  // What awaiter and job share. The awaiter, and through it the executor, is only used under the
  // mutex.
  struct Shared {
    std::mutex mutex;
    RunOn* awaiter = nullptr;
    std::optional<Result<T>> result;
  };

  // Gives a result even if it is dropped without having run.
  class Job final {
   public:
    Job(std::shared_ptr<Shared> shared, std::move_only_function<Result<T>()> work)
        : shared_(std::move(shared)), work_(std::move(work)) {}
    Job(Job&&) noexcept = default;
    ~Job() {
      if (shared_) {
        give(fail(ErrorKind::cancelled, "core.worker_stopped", "the work was given up"));
      }
    }
    void operator()() {
      give(work_());
      shared_ = nullptr;
    }

   private:
    void give(Result<T> result) {
      const std::lock_guard lock(shared_->mutex);
      if (!shared_->awaiter) return;
      shared_->result = std::move(result);
      shared_->awaiter->executor_.post([shared = shared_] { finish(*shared); });
    }
    std::shared_ptr<Shared> shared_;
    std::move_only_function<Result<T>()> work_;
  };

  // On the executor's thread, which alone clears `awaiter`.
  static void finish(Shared& shared) {
    if (RunOn* awaiter = shared.awaiter) {
      awaiter->executor_.disarm(*awaiter);
      awaiter->resume_with(*std::move(shared.result));
    }
  }
  void fire() override {
    resume_with(fail(ErrorKind::timed_out, "core.worker_timeout", "the work took too long"));
  }
  // The job's result will be nobody's.
  void abandon() {
    const std::lock_guard lock(shared_->mutex);
    shared_->awaiter = nullptr;
  }
  void resume_with(Result<T> result) {
    abandon();
    result_ = std::move(result);
    waiting_.resume();
  }

  Worker& worker_;
  Executor& executor_;
  std::move_only_function<Result<T>()> work_;
  BootTime deadline_;
  std::coroutine_handle<> waiting_;
  std::shared_ptr<Shared> shared_;
  std::optional<Result<T>> result_;
};

template <typename T>
RunOn<T> run_on(Worker& worker, Executor& executor, std::move_only_function<Result<T>()> work,
                BootTime deadline = BootTime::max()) {
  return {worker, executor, std::move(work), deadline};
}

}  // namespace countersign
