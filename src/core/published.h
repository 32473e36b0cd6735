// Published<T>: one value, replaced rarely by anyone, read often by many threads without a lock.
//
// Each reading thread owns a Reader. get() is one acquire load and a compare while nothing changed;
// only the first get() after a change takes the mutex, to copy a shared_ptr. A store made by
// publish() is seen by every get() that starts after publish() has returned.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace countersign {

template <typename T>
class Published final {
 public:
  explicit Published(std::shared_ptr<const T> first = nullptr) : value_(std::move(first)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  void publish(std::shared_ptr<const T> value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    version_.fetch_add(1, std::memory_order_release);
  }

  // For slow paths: the current value, shared.
  std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  class Reader;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<uint64_t> version_{1};
};

// Belongs to one thread. The Published outlives it.
template <typename T>
class Published<T>::Reader final {
 public:
  explicit Reader(const Published& published) : published_(published) {}

  // Null if nothing was published. Valid until the next get() of this Reader.
  const T* get() {
    if (published_.version_.load(std::memory_order_acquire) != seen_) [[unlikely]]
      refresh();
    return value_.get();
  }
  // The same, to be kept beyond the next get().
  std::shared_ptr<const T> share() {
    get();
    return value_;
  }

 private:
  void refresh() {
    const std::lock_guard lock(published_.mutex_);
    value_ = published_.value_;
    seen_ = published_.version_.load(std::memory_order_relaxed);
  }

  const Published& published_;
  uint64_t seen_ = 0;
  std::shared_ptr<const T> value_;
};

}  // namespace countersign
