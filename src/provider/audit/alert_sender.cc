#include "provider/audit/alert_sender.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace countersign::provider {

struct AlertSender::State {
  State(AlertSenderOptions with, http::Client& to, Executor& on)
      : options(std::move(with)), webhook(to), executor(on) {}

  struct Waiting {
    std::string id;
    std::string body;
  };

  http::SimpleRequest request() const {
    http::SimpleRequest made;
    made.method = "POST";
    made.target = options.target;
    made.fields.emplace_back("Content-Type", "application/json");
    made.fields.emplace_back("Idempotency-Key", queue.front().id);
    if (!options.bearer.empty()) {
      made.fields.emplace_back("Authorization",
                               "Bearer " + std::string(options.bearer.unsafe_reveal_text()));
    }
    made.body = queue.front().body;
    return made;
  }
  // True: it is there.
  bool note(const Result<http::SimpleResponse>& answer) {
    if (answer && answer->status >= 200 && answer->status < 300) {
      ++counters.delivered;
      return true;
    }
    if (answer) {
      process_log().warning("watch.webhook_refused", {{"status", answer->status}});
    } else {
      process_log().warning("watch.webhook_failed", {{"error", answer.error()}});
    }
    return false;
  }

  AlertSenderOptions options;
  http::Client& webhook;
  Executor& executor;
  std::deque<Waiting> queue;
  bool delivering = false;
  Counters counters;
  Task<void> task;  // goes first: it uses the rest
};

AlertSender::AlertSender(AlertSenderOptions options, http::Client& webhook, Executor& executor)
    : state_(std::make_shared<State>(std::move(options), webhook, executor)) {}

AlertSender::~AlertSender() = default;

const AlertSender::Counters& AlertSender::counters() const {
  return state_->counters;
}

void AlertSender::send(std::string id, std::string body) {
  state_->executor.post(
      [weak = std::weak_ptr(state_), id = std::move(id), body = std::move(body)]() mutable {
        const auto state = weak.lock();
        if (!state) return;
        if (state->queue.size() >= state->options.queue_max) {
          ++state->counters.given_up;
          return;
        }
        state->queue.push_back({std::move(id), std::move(body)});
        if (state->delivering) return;
        state->delivering = true;
        state->task = deliver(*state);
        state->task.start();
      });
}

Task<void> AlertSender::deliver(State& state) {
  while (!state.queue.empty()) {
    auto pause = state.options.first_pause;
    for (int attempt = 1;; ++attempt) {
      const BootTime deadline = state.executor.now() + state.options.answer_timeout;
      const auto answer = co_await http::fetch(state.webhook, state.request(), deadline);
      if (state.note(answer)) break;
      if (attempt >= state.options.attempts_max) {
        ++state.counters.given_up;
        process_log().error("watch.webhook_given_up", {{"attempts", attempt}});
        break;
      }
      co_await sleep_for(state.executor, pause);
      pause = std::min(pause * 2, state.options.longest_pause);
    }
    state.queue.pop_front();
  }
  state.delivering = false;
}

}  // namespace countersign::provider
