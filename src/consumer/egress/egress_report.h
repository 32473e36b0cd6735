// EgressReport: one look at a whole egress, all its loops summed, and the pages that show it.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "consumer/egress/auth_state.h"
#include "consumer/egress/egress_counters.h"
#include "core/clock.h"
#include "core/metrics_page.h"

namespace countersign::consumer {

struct ApiReport {
  std::string name = {};
  std::string scheme = {};
  std::string upstream = {};  // its origin
  AuthState auth = {};
  uint64_t connections_busy = 0;  // to the upstream
  uint64_t connections_idle = 0;
};

struct EgressReport {
  explicit EgressReport(size_t api_count) : apis(api_count), counters(api_count) {}

  WallTime now{};
  WallTime started{};
  uint64_t config_generation = 0;  // 1: the configuration that the process started with
  bool draining = false;
  std::vector<ApiReport> apis;
  EgressCounters counters;

  // Every API could send a call now, and the process is not on its way out.
  bool ready() const;
};

// Every family that metrics_page() can show, in its order.
std::span<const MetricRow> all_egress_metrics();

// /metrics
std::string metrics_page(const EgressReport& report);
// /readyz: "ready", or a line for each reason why not.
std::string readiness_page(const EgressReport& report);
// /status: a JSON object. Holds no secret.
std::string status_page(const EgressReport& report);

}  // namespace countersign::consumer
