#include "consumer/egress/egress_counters.h"

#include <algorithm>

namespace countersign::consumer {

size_t method_class_of(std::string_view method) {
  const auto found = std::find(method_classes.begin(), method_classes.end() - 1, method);
  return static_cast<size_t>(found - method_classes.begin());
}

size_t status_class_of(int status) {
  return status >= 100 && status < 600 ? static_cast<size_t>(status / 100) : 0;
}

void ApiCounters::end(const CallEnd& call) {
  ++calls[method_class_of(call.method)][status_class_of(call.status)]
         [static_cast<size_t>(call.outcome)];
  attempts += static_cast<uint64_t>(std::max(0, call.attempts));
  const BootClock::duration duration = std::max(call.duration, BootClock::duration::zero());
  duration_sum += duration;
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto bucket = std::ranges::lower_bound(duration_bounds, seconds);
  ++durations[static_cast<size_t>(bucket - duration_bounds.begin())];
}

void ApiCounters::add(const ApiCounters& other) {
  for (size_t method = 0; method < calls.size(); ++method) {
    for (size_t status = 0; status < calls[method].size(); ++status) {
      for (size_t outcome = 0; outcome < outcome_count; ++outcome)
        calls[method][status][outcome] += other.calls[method][status][outcome];
    }
  }
  for (size_t i = 0; i < durations.size(); ++i) durations[i] += other.durations[i];
  duration_sum += other.duration_sum;
  attempts += other.attempts;
  in_flight += other.in_flight;
}

void EgressCounters::add(const EgressCounters& other) {
  if (other.apis.size() != apis.size()) panic("counters of different configurations");
  for (size_t i = 0; i < apis.size(); ++i) apis[i].add(other.apis[i]);
  for (size_t i = 0; i < problems.size(); ++i) problems[i] += other.problems[i];
}

}  // namespace countersign::consumer
