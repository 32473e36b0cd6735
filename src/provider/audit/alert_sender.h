// AlertSender: brings alerts to a webhook, one after the other, each until it has got there or was
// tried often enough. On one loop; send() may be called from any thread.
//
// At least once: an alert whose answer got lost comes again, with the same Idempotency-Key. Memory
// is bounded: while the webhook is away, `queue_max` alerts wait, and what comes then is counted
// only. Alerts are in the audit log in any case.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "core/executor.h"
#include "core/secret.h"
#include "http/client.h"

namespace countersign::provider {

struct AlertSenderOptions {
  std::string target;  // path and query of the webhook
  Secret bearer;       // of the Authorization field; empty: none is sent
  size_t queue_max = 256;
  int attempts_max = 10;                         // some ten minutes
  std::chrono::milliseconds first_pause{1'000};  // doubled after each failure
  std::chrono::milliseconds longest_pause{120'000};
  std::chrono::milliseconds answer_timeout{10'000};
};

class AlertSender final {
 public:
  // All references outlive it; it belongs to the executor's thread. What is under way when it is
  // destroyed is given up.
  AlertSender(AlertSenderOptions options, http::Client& webhook, Executor& executor);
  ~AlertSender();
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // `body` is a JSON object; `id` names it, for a receiver that has had it already. Thread-safe.
  void send(std::string id, std::string body);

  struct Counters {
    uint64_t delivered = 0;
    uint64_t given_up = 0;  // after attempts_max, or because too many waited
  };
  const Counters& counters() const;

 private:
  struct State;
  static Task<void> deliver(State& state);
  std::shared_ptr<State> state_;
};

}  // namespace countersign::provider
