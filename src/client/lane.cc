#include "client/lane.h"

#include <latch>
#include <utility>

namespace countersign::client {

Lane::Lane(net::LoopThread& thread, ApiParts& parts, net::Resolver& resolver, const Clock& clock,
           Entropy& entropy, LaneOptions options, pid_t owner)
    : thread_(thread),
      loop_(thread.loop()),
      options_(std::move(options)),
      pool_(parts.make_pool(loop_, resolver)),
      scheme_(parts.scheme().for_loop(loop_)),
      policy_(options_.policy, entropy),
      filter_({std::string(parts.scheme().field_name())}),
      place_{.loop = loop_,
             .clock = clock,
             .scheme = *scheme_,
             .upstream = *pool_,
             .policy = policy_,
             .filter = filter_},
      gate_(std::make_shared<Gate>(loop_, *this, owner)) {}

Lane::~Lane() = default;

void Lane::start() {
  started_ = true;
  loop_.post([this] { thread_id_ = std::this_thread::get_id(); });
  thread_.start();
}

void Lane::stop() {
  gate_->close();
  if (!started_) return;
  std::latch ended(1);
  loop_.post([this, &ended] {
    for (auto& [state, active] : active_) {
      if (!active->over) give_up(*active, "client.stopped");
    }
    ended.count_down();
  });
  // The turn that ran it is finished, deliveries included, before the thread ends.
  ended.wait();
  thread_.stop();
}

void Lane::begin(const std::shared_ptr<CallState>& state) {
  const AsyncOptions& asked = state->options();
  const CallLimits limits{
      .began = state->began(),
      .deadline = asked.deadline,
      .deadline_otherwise = options_.deadline,
      .response_bytes_max = asked.response_bytes_max.value_or(options_.response_bytes_max)};
  auto made = std::make_unique<Active>(state, place_, limits);
  Active& active = *made;
  active_.emplace(state.get(), std::move(made));
  if (asked.stop.stop_requested()) return give_up(active, "client.cancelled");
  active.task = run(active);
  active.task.start();
}

Task<void> Lane::run(Active& active) {
  co_await active.call.perform();
  end(active);
}

void Lane::cancel(const std::shared_ptr<CallState>& state, std::string_view code) {
  const auto found = active_.find(state.get());
  if (found != active_.end() && !found->second->over) give_up(*found->second, code);
}

void Lane::give_up(Active& active, std::string_view code) {
  active.call.give_up(code, code == "client.stopped" ? "the client was destroyed" : "cancelled");
  active.task = {};
  end(active);
}

// What the caller does next must not run inside the call's own frames, nor before its connection
// is given back.
void Lane::end(Active& active) {
  active.over = true;
  over_.push_back(&active);
  if (over_.size() == 1) loop_.at_end_of_turn([this] { deliver(); });
}

void Lane::deliver() {
  for (Active* active : std::exchange(over_, {})) {
    const std::shared_ptr<CallState> state = active->state;
    Outcome outcome = active->call.take_outcome();
    active_.erase(state.get());
    state->complete(std::move(outcome));
  }
}

}  // namespace countersign::client
