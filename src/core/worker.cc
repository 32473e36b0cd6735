#include "core/worker.h"

#include <pthread.h>
#include <signal.h>

namespace countersign {

Worker::Worker(const Options& options) : queue_max_(options.queue_max) {
  for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { serve(); });
}

Worker::~Worker() {
  std::deque<std::move_only_function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  dropped.clear();  // outside the lock; who waits for it learns so
  for (std::thread& thread : threads_) thread.join();
}

bool Worker::submit(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void Worker::serve() {
  // Signals are for the threads that have asked for them.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it owns goes before the lock is taken again
    lock.lock();
  }
}

}  // namespace countersign
