// CallPolicy: how the calls of one API are repeated, keyed and journalled: rules per route, a
// budget that keeps repeats from feeding an outage, and the pauses between them.
//
// What may be repeated at all is not configured here: a repeat is made only where it is proven that
// the request was not processed, where the method is safe, or where the call carries an
// Idempotency-Key and the rule says that the provider honours it (design §4.3). The rule says how
// often and how soon, never more than that.
//
// RFC 9110 §9.2 (safe and idempotent methods), §10.2.3 (Retry-After).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"

namespace countersign::consumer {

struct CallRule {
  // Repeats after the first attempt, beside the one repeat for a refused token and the one for a
  // kept connection that turned out to be closed. 0: none.
  int retries_max = 0;
  // The first pause, doubled each time up to the second; half of each is left to chance, so that
  // callers who failed together do not come back together.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_max{2'000};
  // A provider that asks for a longer pause than this gets it: the call ends with its answer.
  std::chrono::milliseconds retry_after_max{5'000};
  // Answers that are repeated, where that is safe: full or restarting servers, gateways without a
  // server. Never 500: the server has met the request, and would again.
  std::vector<int> retry_statuses = {429, 502, 503, 504};
  std::optional<std::chrono::milliseconds> deadline = {};  // of the whole call; null: the API's
  // The provider recognises a repeat by its Idempotency-Key and does not act on it again. Only who
  // has read the provider's documentation knows.
  bool idempotency_key_honoured = false;
  // A write without a key gets one.
  bool add_idempotency_key = false;
  // Writes are journalled, if there is a journal.
  bool journal = true;

  friend bool operator==(const CallRule&, const CallRule&) = default;
};

// A method list and a path template: "/v1/payments/{id}" has one segment for {id}; "{rest...}" as
// the last one stands for one or more. Paths are the provider's, without the egress's prefix.
struct CallRoute {
  std::vector<std::string> methods = {};  // empty: all
  std::string path = {};
  CallRule rule = {};

  friend bool operator==(const CallRoute&, const CallRoute&) = default;
};

struct RetryBudgetOptions {
  // Each call earns this share of a repeat: beyond a burst, at most so many calls in a hundred are
  // repeated, however many fail.
  int percent = 20;
  // What is saved up at most, and there at the start: a rarely used API can repeat too.
  int burst = 10;

  friend bool operator==(const RetryBudgetOptions&, const RetryBudgetOptions&) = default;
};

// A token bucket without a clock: what a call earns, a repeat spends. Belongs to one loop.
class RetryBudget final {
 public:
  explicit RetryBudget(const RetryBudgetOptions& options)
      : earned_(options.percent), full_(options.burst * one), saved_(full_) {}
  void count_call() { saved_ = saved_ + earned_ < full_ ? saved_ + earned_ : full_; }
  bool spend() {
    if (saved_ < one) return false;
    saved_ -= one;
    return true;
  }

 private:
  static constexpr int64_t one = 100;
  int64_t earned_;
  int64_t full_;
  int64_t saved_;
};

struct CallPolicyOptions {
  CallRule otherwise = {};             // for calls that no route matches
  std::vector<CallRoute> routes = {};  // the first that matches counts
  RetryBudgetOptions budget = {};

  friend bool operator==(const CallPolicyOptions&, const CallPolicyOptions&) = default;
};

// `egress.bad_route`: a path that is no template, a status or a number that makes no sense.
Result<void> check_call_policy(const CallPolicyOptions& options);

// True if `path`, without its query, is one that `pattern` stands for. Compares bytes.
bool matches_route(std::string_view pattern, std::string_view path);

// Belongs to one loop.
class CallPolicy final {
 public:
  // `options` have passed check_call_policy(). `entropy` outlives the object.
  CallPolicy(CallPolicyOptions options, Entropy& entropy)
      : options_(std::move(options)), budget_(options_.budget), entropy_(&entropy) {}

  const CallRule& rule_for(std::string_view method, std::string_view path) const;
  RetryBudget& budget() { return budget_; }
  Entropy& entropy() { return *entropy_; }
  // How long to wait before repeat number `repeat` (1 is the first).
  BootClock::duration backoff(const CallRule& rule, int repeat);

 private:
  CallPolicyOptions options_;
  RetryBudget budget_;
  Entropy* entropy_;
};

}  // namespace countersign::consumer
