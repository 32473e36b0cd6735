#include "net/loop_thread.h"

namespace countersign::net {

Result<std::unique_ptr<LoopThread>> LoopThread::create() {
  CS_TRY(auto loop, Loop::create());
  return std::unique_ptr<LoopThread>(new LoopThread(std::move(loop)));
}

LoopThread::~LoopThread() {
  stop();
}

void LoopThread::start() {
  thread_ = std::thread([this] { loop_->run(); });
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

}  // namespace countersign::net
