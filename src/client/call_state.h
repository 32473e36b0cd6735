// CallState: one call between the thread that waits for it and the lane that makes it. Gate: how
// other threads reach a lane.
//
// All of it may be used by any thread. A state is kept alive by whoever may still touch it; a gate
// outlives its lane and then says that it is closed.

#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include <countersign/client.h>
#include <sys/types.h>

#include "core/clock.h"
#include "core/executor.h"

#define COUNTERSIGN_HIDDEN __attribute__((visibility("hidden")))

namespace countersign::client {

class Lane;

class Gate final {
 public:
  Gate(Executor& loop, Lane& lane, pid_t owner) : loop_(&loop), lane_(lane), owner_(owner) {}

  enum class Passage {
    open,
    closed,  // the client is gone
    forked,  // this process is a child of the one that the client belongs to
  };
  // Runs `work` on the lane's thread, unless the gate is closed. Takes no lock in a child.
  Passage post(std::move_only_function<void(Lane&)> work);
  void close();

 private:
  std::mutex mutex_;
  Executor* loop_;  // null: closed
  Lane& lane_;
  const pid_t owner_;
};

inline namespace v0 {

class COUNTERSIGN_HIDDEN CallState final : public std::enable_shared_from_this<CallState> {
 public:
  // `began` is when the deadline counts from.
  CallState(std::shared_ptr<Gate> gate, Request request, AsyncOptions options, BootTime began)
      : gate_(std::move(gate)),
        request_(std::move(request)),
        options_(std::move(options)),
        began_(began) {}

  // Hands the call to its lane; `waiting` is resumed when it is over, if it is not null. False: it
  // is over already.
  bool start(std::coroutine_handle<> waiting);
  // Blocks until it is over. After start(); not on the lane's thread.
  Outcome wait();
  // After it is over.
  Outcome take_outcome();
  // Nobody waits any more.
  void abandon();

  // For the lane.
  Request take_request() { return std::move(request_); }
  const AsyncOptions& options() const { return options_; }
  BootTime began() const { return began_; }
  // Once; resumes the coroutine or wakes the thread.
  void complete(Outcome outcome);

 private:
  enum class Phase { idle, running, over, abandoned };
  struct RequestStop {
    std::weak_ptr<CallState> state;
    void operator()() const;
  };
  void resume();

  const std::shared_ptr<Gate> gate_;
  Request request_;
  const AsyncOptions options_;
  const BootTime began_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::idle;
  std::coroutine_handle<> waiting_;
  Outcome outcome_;
  std::optional<std::stop_callback<RequestStop>> on_stop_;
};

}  // namespace v0

// An outcome that this side alone knows: `not_sent`.
Outcome not_sent(std::string_view reason, std::string_view code, std::string_view detail);
// Of a call that reaches no lane.
Outcome outcome_of(Gate::Passage passage);

}  // namespace countersign::client
