// What one loop counts of the calls that pass. Plain numbers: the loop alone writes them, and
// whoever wants to read them asks on the loop's thread for a copy. Labels are classes, never what a
// caller sent: how many series there are is decided by the configuration.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "consumer/egress/access_log.h"
#include "core/clock.h"
#include "protocol/reason.h"

namespace countersign::consumer {

inline constexpr auto method_classes = std::to_array<std::string_view>(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"});
size_t method_class_of(std::string_view method);

// "none": the caller got no answer.
inline constexpr auto status_classes =
    std::to_array<std::string_view>({"none", "1xx", "2xx", "3xx", "4xx", "5xx"});
size_t status_class_of(int status);

inline constexpr size_t outcome_count = static_cast<size_t>(CallOutcome::unknown) + 1;

// Upper bounds in seconds: from a cached answer on the same machine to the longest deadline that is
// common.
inline constexpr auto duration_bounds = std::to_array<double>(
    {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0});

struct CallEnd {
  std::string_view method = {};
  int status = 0;
  CallOutcome outcome = CallOutcome::not_sent;
  int attempts = 0;
  BootClock::duration duration{};
};

struct ApiCounters {
  using ByOutcome = std::array<uint64_t, outcome_count>;
  using ByStatus = std::array<ByOutcome, status_classes.size()>;
  std::array<ByStatus, method_classes.size()> calls{};
  std::array<uint64_t, duration_bounds.size() + 1> durations{};
  BootClock::duration duration_sum{};
  uint64_t attempts = 0;
  uint64_t in_flight = 0;

  void end(const CallEnd& call);
  void add(const ApiCounters& other);
};

struct EgressCounters {
  explicit EgressCounters(size_t api_count) : apis(api_count) {}

  std::vector<ApiCounters> apis;  // in the configuration's order
  // Answers of the egress's own, by reason; those of calls for no API are here alone.
  std::vector<uint64_t> problems = std::vector<uint64_t>(protocol::all_reasons().size());

  void add(const EgressCounters& other);  // of as many APIs
};

}  // namespace countersign::consumer
