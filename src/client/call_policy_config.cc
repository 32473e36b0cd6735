#include "client/call_policy_config.h"

#include <charconv>

namespace countersign::client {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

milliseconds read_pause(const ConfigSection& section, std::string_view key, milliseconds fallback,
                        ConfigRange<std::chrono::nanoseconds> range) {
  return duration_cast<milliseconds>(section.duration(key, fallback, range));
}

std::vector<int> read_statuses(const ConfigSection& section, const std::vector<int>& fallback) {
  if (!section.has("retry_statuses")) return fallback;
  std::vector<int> statuses;
  for (const std::string& text : section.strings("retry_statuses", {})) {
    int status = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || status < 400 || status > 599 || status == 401) {
      section.problem("retry_statuses",
                      "\"" + text + "\": expected statuses from \"400\" to \"599\", never \"401\"");
    } else {
      statuses.push_back(status);
    }
  }
  return statuses;
}

// What a route does not say, its API says.
consumer::CallRule read_rule(const ConfigSection& section, const consumer::CallRule& otherwise) {
  consumer::CallRule rule = otherwise;
  rule.retries_max = section.integer("retries_max", otherwise.retries_max, {0, 10});
  rule.backoff_first =
      read_pause(section, "backoff_first", otherwise.backoff_first, {milliseconds(1), minutes(1)});
  rule.backoff_max =
      read_pause(section, "backoff_max", std::max(otherwise.backoff_max, rule.backoff_first),
                 {rule.backoff_first, minutes(5)});
  rule.retry_after_max = read_pause(section, "retry_after_max", otherwise.retry_after_max,
                                    {milliseconds(0), minutes(10)});
  rule.retry_statuses = read_statuses(section, otherwise.retry_statuses);
  rule.idempotency_key_honoured =
      section.boolean("idempotency_key_honoured", otherwise.idempotency_key_honoured);
  rule.add_idempotency_key = section.boolean("add_idempotency_key", otherwise.add_idempotency_key);
  rule.journal = section.boolean("journal", otherwise.journal);
  return rule;
}

}  // namespace

consumer::CallPolicyOptions read_call_policy(const ConfigSection& api) {
  consumer::CallPolicyOptions policy;
  policy.otherwise = read_rule(api, policy.otherwise);
  policy.budget.percent = api.integer("retry_budget_percent", policy.budget.percent, {0, 100});
  policy.budget.burst = api.integer("retry_budget_burst", policy.budget.burst, {0, 10'000});
  for (const ConfigSection& section : api.tables("route")) {
    consumer::CallRoute route;
    route.methods = section.strings("methods", {});
    route.path = section.string("path");
    route.rule = read_rule(section, policy.otherwise);
    if (section.has("deadline")) {
      route.rule.deadline =
          read_pause(section, "deadline", milliseconds(30'000), {milliseconds(100), hours(1)});
    }
    consumer::CallPolicyOptions alone;
    alone.routes.push_back(route);
    if (!route.path.empty()) {
      if (const auto checked = consumer::check_call_policy(alone); !checked)
        section.problem("path", checked.error().public_text);
    }
    policy.routes.push_back(std::move(route));
  }
  return policy;
}

}  // namespace countersign::client
