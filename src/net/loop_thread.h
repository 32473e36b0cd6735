// LoopThread: a Loop on a thread of its own, for work that is not a request: token renewals,
// watchers.

#pragma once

#include <memory>
#include <thread>

#include "net/loop.h"

namespace countersign::net {

class LoopThread final {
 public:
  static Result<std::unique_ptr<LoopThread>> create();
  // Stops and joins. What the loop still holds is destroyed with it.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  Loop& loop() { return *loop_; }
  // Begins to run; until then the loop may be used from the calling thread.
  void start();
  // Thread-safe. After it the loop belongs to the calling thread again.
  void stop();

 private:
  explicit LoopThread(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace countersign::net
