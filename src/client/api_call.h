// ApiCall: one call of the library on its loop: checks the request, attaches the credential, sends,
// repeats where that is proven harmless (consumer/call_progress.h), and collects the answer.
//
// RFC 9110 §7.6.1 (hop-by-hop fields), §9.2.1 (safe methods).

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <countersign/call.h>

#include "consumer/call_policy.h"
#include "consumer/call_progress.h"
#include "consumer/egress/field_filter.h"
#include "consumer/schemes/scheme.h"
#include "core/clock.h"
#include "core/executor.h"
#include "http/client.h"

namespace countersign::client {

inline constexpr size_t request_body_bytes_max = 64 << 20;

// What the calls of one loop have in common. All outlives them.
struct CallPlace {
  Executor& loop;
  const Clock& clock;
  consumer::Scheme& scheme;
  http::Client& upstream;
  consumer::CallPolicy& policy;
  const consumer::FieldFilter& filter;
};

struct CallLimits {
  BootTime began{};                                        // the deadline counts from here
  std::optional<std::chrono::milliseconds> deadline = {};  // null: the rule's, if it has one
  std::chrono::milliseconds deadline_otherwise{};
  size_t response_bytes_max = 0;
};

class ApiCall final {
 public:
  // `place` outlives the call.
  ApiCall(const CallPlace& place, Request request, const CallLimits& limits);

  // To the end: then outcome() has all. Destroying the Task gives the call up: give_up() first.
  Task<void> perform();
  // What is known now is the outcome. `code` says why it ends.
  void give_up(std::string_view code, std::string_view detail);

  Outcome take_outcome() { return std::move(outcome_); }

 private:
  bool attach() { return place_.scheme.attach(now(), attached_); }
  Task<Result<const http::ResponseHead*>> send();
  bool repeats_failed(const Error& error);
  bool repeats_answered(const http::ResponseHead& head);
  Task<void> discard_answer();
  Task<void> receive(const http::ResponseHead& head);
  Task<void> receive_body();
  SleepAwaiter pause() const { return {place_.loop, progress_.resume_at()}; }
  void not_ready(const consumer::NotReady& why);
  void unanswered(const Error& error, std::string_view reason);
  void refuse(std::string_view detail);
  bool sent() const;
  consumer::Instant now() const { return {place_.loop.now(), place_.clock.wall_now()}; }

  const CallPlace& place_;
  const Request request_;
  const size_t response_bytes_max_;
  const bool is_safe_;
  const consumer::CallRule& rule_;
  const BootTime deadline_;
  const std::string key_;  // the request's, or a new one; empty: none
  consumer::CallProgress progress_;
  consumer::Attached attached_;
  Outcome outcome_;
  std::unique_ptr<http::ClientExchange> exchange_;
};

}  // namespace countersign::client
