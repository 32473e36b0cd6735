#include "provider/audit/watch_rules.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/reason.h"

namespace countersign::provider {
namespace {

constexpr std::array<std::string_view, watch_rules_count> rule_names{
    "new_address", "new_certificate", "new_hour", "denial_burst", "refresh_reuse", "honey_key"};
constexpr std::array<std::string_view, 3> action_names{"off", "alert", "quarantine"};

constexpr size_t values_max = 64;  // of one credential: networks, certificates
constexpr size_t told_max = 4'096;
constexpr std::string_view reused = "refresh_token_reused";

// Adds it, dropping the oldest if there are too many. True: it was not there.
bool learn(std::vector<uint64_t>& values, uint64_t value) {
  if (std::ranges::find(values, value) != values.end()) return false;
  if (values.size() >= values_max) values.erase(values.begin());
  values.push_back(value);
  return true;
}

unsigned hour_of(WallTime time) {
  return static_cast<unsigned>((to_unix_seconds(time) % (24 * 3600) + 24 * 3600) % (24 * 3600) /
                               3600);
}

// Refusals that say something about who asked, not about this side's state.
bool is_callers_fault(const WatchEvent& event) {
  const auto reason = protocol::parse_reason(event.reason);
  return !reason || protocol::status_of(*reason) < 500;
}

}  // namespace

std::string_view name_of(WatchRule rule) {
  return rule_names[static_cast<size_t>(rule)];
}
std::string_view name_of(WatchAction action) {
  return action_names[static_cast<size_t>(action)];
}

std::vector<Alert> WatchRules::consider(const WatchEvent& event) {
  Alerts alerts;
  const auto is_honey = [&](const std::string& id) {
    return !id.empty() && std::ranges::find(options_.honey, id) != options_.honey.end();
  };
  if (is_honey(event.credential) || is_honey(event.client)) {
    raise(WatchRule::honey_key, event, "a credential that nobody should have was used", alerts);
  }
  if (event.outcome == AuditOutcome::deny) {
    if (event.reason == reused) {
      raise(WatchRule::refresh_reuse, event, "a refresh token was used a second time", alerts);
    }
    watch_denials(event, alerts);
  } else if (!event.client.empty()) {
    watch_habits(event, alerts);
  }
  return alerts;
}

void WatchRules::watch_habits(const WatchEvent& event, Alerts& alerts) {
  const std::string name = event.client + " " + event.credential;
  auto found = credentials_.find(name);
  if (found == credentials_.end()) {
    if (credentials_.size() >= options_.credentials_max) {
      ++untracked_;
      return;
    }
    found = credentials_.emplace(name, Habits{.since = event.time}).first;
  }
  Habits& habits = found->second;
  const bool new_network = learn(habits.networks, watch_network(event.remote));
  const bool new_certificate =
      event.certificate != 0 && learn(habits.certificates, event.certificate);
  const uint32_t hour = uint32_t{1} << hour_of(event.time);
  const bool new_hour = (habits.hours & hour) == 0;
  habits.hours |= hour;
  if (event.time < habits.since + options_.learn_for) return;
  if (new_network) {
    raise(WatchRule::new_address, event, "used from a network where it was never used", alerts);
  }
  if (new_certificate) {
    raise(WatchRule::new_certificate, event, "used with a certificate that it never had", alerts);
  }
  if (new_hour) {
    raise(WatchRule::new_hour, event,
          fmt::format("used between {:02}:00 and {:02}:59 UTC, as never before",
                      hour_of(event.time), hour_of(event.time)),
          alerts);
  }
}

void WatchRules::watch_denials(const WatchEvent& event, Alerts& alerts) {
  if (!is_callers_fault(event)) return;
  const std::string source =
      event.client.empty() ? fmt::format("net {:x}", watch_network(event.remote)) : event.client;
  Denials* denials = denials_of(source, event.time);
  if (denials == nullptr || ++denials->count != options_.burst_denials) return;
  raise(WatchRule::denial_burst, event,
        fmt::format("{} refusals within {} s, the last one {}", denials->count,
                    options_.burst_window.count(), event.reason),
        alerts);
}

// Null: there are too many sources at once, and this one is not counted.
WatchRules::Denials* WatchRules::denials_of(const std::string& source, WallTime now) {
  auto found = denials_.find(source);
  if (found == denials_.end()) {
    if (denials_.size() >= options_.sources_max) {
      std::erase_if(denials_, [&](const auto& each) {
        return now - each.second.since >= options_.burst_window;
      });
    }
    if (denials_.size() >= options_.sources_max) return nullptr;
    found = denials_.emplace(source, Denials{.since = now, .count = 0}).first;
  }
  if (now - found->second.since >= options_.burst_window)
    found->second = {.since = now, .count = 0};
  return &found->second;
}

void WatchRules::raise(WatchRule rule, const WatchEvent& event, std::string text, Alerts& alerts) {
  const WatchAction action = options_.action_of(rule);
  if (action == WatchAction::off) return;
  const std::string about = fmt::format(
      "{} {}", name_of(rule), event.client.empty() ? event.remote.to_string() : event.client);
  if (const auto told = told_.find(about); told != told_.end()) {
    if (event.time - told->second < options_.quiet_for) return;
  }
  if (told_.size() >= told_max) {
    std::erase_if(told_,
                  [&](const auto& each) { return event.time - each.second >= options_.quiet_for; });
  }
  if (told_.size() < told_max) told_[about] = event.time;
  // Whoever is not proven cannot have another's client cut off.
  const bool may_cut_off = !event.client.empty();
  alerts.push_back({.rule = rule,
                    .action = may_cut_off ? action : WatchAction::alert,
                    .client = event.client,
                    .credential = event.credential,
                    .decision = event.decision,
                    .remote = event.remote,
                    .time = event.time,
                    .text = std::move(text)});
}

std::string WatchRules::write() const {
  std::string out;
  for (const auto& [name, habits] : credentials_) {
    Json line;
    line["credential"] = name;
    line["since"] = habits.since.time_since_epoch().count();
    line["networks"] = habits.networks;
    line["certificates"] = habits.certificates;
    line["hours"] = habits.hours;
    out += to_text(line) + "\n";
  }
  return out;
}

Result<void> WatchRules::read(std::string_view text) {
  const auto bad = [] {
    return fail(ErrorKind::corrupt, "watch.bad_state", "What the watch has learnt cannot be read.");
  };
  const auto numbers = [](const Json& object, std::string_view name, std::vector<uint64_t>& into) {
    if (!has_member(object, name) || !object[name].is_array()) return false;
    for (const Json& value : object[name]) {
      if (!value.is_number_unsigned() || into.size() >= values_max) return false;
      into.push_back(value.get<uint64_t>());
    }
    return true;
  };
  std::map<std::string, Habits, std::less<>> read;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto line = parse_json(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line) return bad();
    const auto name = string_member(*line, "credential");
    const auto since = integer_member(*line, "since");
    const auto hours = integer_member(*line, "hours");
    Habits habits;
    if (!name || !since || !hours || *hours < 0 || *hours >= 1 << 24 ||
        !numbers(*line, "networks", habits.networks) ||
        !numbers(*line, "certificates", habits.certificates)) {
      return bad();
    }
    habits.since = WallTime(std::chrono::microseconds(*since));
    habits.hours = static_cast<uint32_t>(*hours);
    if (read.size() < options_.credentials_max) read[*name] = std::move(habits);
  }
  credentials_ = std::move(read);
  return {};
}

}  // namespace countersign::provider
