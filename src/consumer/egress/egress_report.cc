#include "consumer/egress/egress_report.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "core/log.h"

namespace countersign::consumer {
namespace {

// What limits the runway, and why, on one line.
std::string reason_of(const ApiReport& api) {
  std::string line = api.name + ": " + std::string(api.auth.limited_by);
  if (api.auth.limited_by != "token") return line + " ended";
  line += " " + std::string(name_of(api.auth.token_status));
  if (!api.auth.failure_code.empty()) line += " (" + api.auth.failure_code + ")";
  return line;
}

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_time(*time)) : Json(nullptr);
}

Json token_of(const AuthState& auth) {
  if (!auth.has_token) return nullptr;
  Json token;
  token["state"] = name_of(auth.token_status);
  token["generation"] = auth.generation;
  token["expires_in"] = std::floor(auth.token_seconds);
  token["grants"] = auth.grants;
  token["failures"] = auth.failures;
  if (!auth.failure_code.empty()) {
    token["code"] = auth.failure_code;
    token["text"] = auth.failure_text;
  }
  return token;
}

uint64_t calls_of(const ApiCounters& counters) {
  uint64_t calls = 0;
  for (const uint64_t count : counters.durations) calls += count;
  return calls;
}

Json api_of(const ApiReport& report, const ApiCounters& counters) {
  const AuthState& auth = report.auth;
  Json api;
  api["name"] = report.name;
  api["scheme"] = report.scheme;
  api["upstream"] = report.upstream;
  api["ready"] = auth.can_call();
  api["token"] = token_of(auth);
  api["certificate_not_after"] = time_or_null(auth.ends.certificate);
  api["trust_anchors_not_after"] = time_or_null(auth.ends.trust_anchors);
  api["auth_runway_seconds"] =
      std::isinf(auth.runway_seconds) ? Json(nullptr) : Json(std::floor(auth.runway_seconds));
  api["limited_by"] = auth.limited_by;
  api["calls"] = calls_of(counters);
  api["calls_in_flight"] = counters.in_flight;
  api["attempts"] = counters.attempts;
  api["connections_busy"] = report.connections_busy;
  api["connections_idle"] = report.connections_idle;
  return api;
}

}  // namespace

bool EgressReport::ready() const {
  return !draining &&
         std::ranges::all_of(apis, [](const ApiReport& api) { return api.auth.can_call(); });
}

std::string readiness_page(const EgressReport& report) {
  if (report.ready()) return "ready\n";
  std::string page;
  if (report.draining) page += "draining\n";
  for (const ApiReport& api : report.apis) {
    if (!api.auth.can_call()) page += reason_of(api) + "\n";
  }
  return page;
}

std::string status_page(const EgressReport& report) {
  Json page;
  page["time"] = format_time(report.now);
  page["started"] = format_time(report.started);
  page["ready"] = report.ready();
  page["draining"] = report.draining;
  page["config_generation"] = report.config_generation;
  page["apis"] = Json::array();
  for (size_t i = 0; i < report.apis.size(); ++i)
    page["apis"].push_back(api_of(report.apis[i], report.counters.apis[i]));
  return to_text(page) + "\n";
}

}  // namespace countersign::consumer
