// Lane: one thread of a client, with the calls that it makes.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/api_call.h"
#include "client/api_parts.h"
#include "client/call_state.h"
#include "net/loop_thread.h"

namespace countersign::client {

struct LaneOptions {
  std::chrono::milliseconds deadline{};
  size_t response_bytes_max = 0;
  consumer::CallPolicyOptions policy = {};
};

class Lane final {
 public:
  // Before its thread starts. References outlive it.
  Lane(net::LoopThread& thread, ApiParts& parts, net::Resolver& resolver, const Clock& clock,
       Entropy& entropy, LaneOptions options, pid_t owner);
  // After stop().
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  const std::shared_ptr<Gate>& gate() const { return gate_; }
  void start();
  // Closes the gate, ends every call with what is known of it, and joins. On a thread of its own
  // that is not a lane's.
  void stop();
  bool is_this_thread() const { return thread_id_ == std::this_thread::get_id(); }

  // On the lane's thread.
  void begin(const std::shared_ptr<CallState>& state);
  // Nothing if it is over.
  void cancel(const std::shared_ptr<CallState>& state, std::string_view code);

 private:
  struct Active {
    Active(std::shared_ptr<CallState> of, const CallPlace& place, const CallLimits& limits)
        : state(std::move(of)), call(place, state->take_request(), limits) {}
    std::shared_ptr<CallState> state;
    ApiCall call;
    Task<void> task;  // destroyed before the call that it runs
    bool over = false;
  };
  Task<void> run(Active& active);
  void give_up(Active& active, std::string_view code);
  void end(Active& active);
  void deliver();

  net::LoopThread& thread_;
  net::Loop& loop_;
  const LaneOptions options_;
  std::unique_ptr<net::ClientPool> pool_;
  std::unique_ptr<consumer::Scheme> scheme_;
  consumer::CallPolicy policy_;
  consumer::FieldFilter filter_;
  CallPlace place_;
  std::shared_ptr<Gate> gate_;
  bool started_ = false;
  std::atomic<std::thread::id> thread_id_;
  std::unordered_map<CallState*, std::unique_ptr<Active>> active_;
  std::vector<Active*> over_;  // to be delivered at the end of the turn
};

}  // namespace countersign::client
