#include "client/call_state.h"

#include <utility>

#include <unistd.h>

#include "client/lane.h"

namespace countersign::client {

Gate::Passage Gate::post(std::move_only_function<void(Lane&)> work) {
  // In a child of fork() another thread may have held the lock, for ever.
  if (::getpid() != owner_) return Passage::forked;
  const std::lock_guard lock(mutex_);
  if (!loop_) return Passage::closed;
  loop_->post([&lane = lane_, work = std::move(work)]() mutable { work(lane); });
  return Passage::open;
}

void Gate::close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

Outcome not_sent(std::string_view reason, std::string_view code, std::string_view detail) {
  Outcome outcome;
  outcome.reason = reason;
  outcome.code = code;
  outcome.detail = detail;
  return outcome;
}

Outcome outcome_of(Gate::Passage passage) {
  if (passage == Gate::Passage::forked) {
    return not_sent("cancelled", "client.forked",
                    "the client belongs to the parent process: make one after fork()");
  }
  return not_sent("cancelled", "client.stopped", "the client has been destroyed");
}

inline namespace v0 {

bool CallState::start(std::coroutine_handle<> waiting) {
  if (options_.stop.stop_requested()) {
    outcome_ = not_sent("cancelled", "client.cancelled", "cancelled before it began");
    phase_ = Phase::over;
    return false;
  }
  phase_ = Phase::running;
  waiting_ = waiting;
  if (options_.stop.stop_possible()) on_stop_.emplace(options_.stop, RequestStop{weak_from_this()});
  // From here on the call may be over, and the coroutine gone, at any time.
  const Gate::Passage passage =
      gate_->post([self = shared_from_this()](Lane& lane) { lane.begin(self); });
  if (passage == Gate::Passage::open) return true;
  outcome_ = outcome_of(passage);
  phase_ = Phase::over;
  return false;
}

void CallState::RequestStop::operator()() const {
  if (auto self = state.lock())
    self->gate_->post([self](Lane& lane) { lane.cancel(self, "client.cancelled"); });
}

Outcome CallState::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return phase_ == Phase::over; });
  return std::move(outcome_);
}

Outcome CallState::take_outcome() {
  const std::lock_guard lock(mutex_);
  return std::move(outcome_);
}

void CallState::complete(Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::running) return;
    outcome_ = std::move(outcome);
    phase_ = Phase::over;
    changed_.notify_all();
    if (!waiting_) return;
  }
  if (options_.post) {
    options_.post([self = shared_from_this()] { self->resume(); });
  } else {
    resume();
  }
}

void CallState::resume() {
  std::coroutine_handle<> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::over) return;
    waiting = std::exchange(waiting_, {});
  }
  if (waiting) waiting.resume();
}

void CallState::abandon() {
  {
    const std::lock_guard lock(mutex_);
    const bool running = phase_ == Phase::running;
    phase_ = Phase::abandoned;
    waiting_ = {};
    if (!running) return;
  }
  gate_->post([self = shared_from_this()](Lane& lane) { lane.cancel(self, "client.cancelled"); });
}

}  // namespace v0
}  // namespace countersign::client
