#include "cli/watch_config.h"

#include <algorithm>

#include "core/pem_file.h"

namespace countersign::cli {
namespace {

using provider::WatchAction;
using provider::WatchRule;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::seconds;

std::optional<WatchWebhook> read_webhook(const ConfigSection& watch) {
  const auto text = watch.optional_string("webhook");
  const auto bearer = watch.optional_secret("webhook_token");
  if (!text) return std::nullopt;
  WatchWebhook webhook;
  auto url = http::parse_url(*text);
  if (!url || !url->is_https()) {
    // An alert tells an attacker what was seen of it.
    watch.problem("webhook", "expected an https URL");
    return std::nullopt;
  }
  webhook.url = *std::move(url);
  webhook.anchors_pem =
      read_pem(watch, "webhook_trust_anchors", "the CAs of the webhook's certificate (PEM)");
  if (bearer) webhook.bearer = *bearer;
  return webhook;
}

}  // namespace

bool WatchConfig::quarantines() const {
  return std::ranges::find(rules.actions, WatchAction::quarantine) != rules.actions.end();
}

WatchConfig read_watch_config(const ConfigSection& watch, const std::string& audit_path) {
  WatchConfig config;
  config.state_path = audit_path.empty() ? std::string() : audit_path + ".seen";
  provider::WatchOptions& rules = config.rules;
  for (const WatchRule rule :
       {WatchRule::new_address, WatchRule::new_certificate, WatchRule::new_hour,
        WatchRule::denial_burst, WatchRule::refresh_reuse, WatchRule::honey_key}) {
    WatchAction& action = rules.actions[static_cast<size_t>(rule)];
    action = watch.choice<WatchAction>(provider::name_of(rule), action,
                                       {{"off", WatchAction::off},
                                        {"alert", WatchAction::alert},
                                        {"quarantine", WatchAction::quarantine}});
  }
  rules.learn_for = watch.seconds("learn_for", rules.learn_for, {seconds(0), hours(24 * 366)});
  rules.burst_denials = watch.integer("burst_denials", rules.burst_denials, {2, 1'000'000});
  rules.burst_window = watch.seconds("burst_window", rules.burst_window, {seconds(1), hours(24)});
  rules.quiet_for = watch.seconds("quiet_for", rules.quiet_for, {seconds(1), hours(24)});
  rules.honey = watch.strings("honey", {});
  config.webhook = read_webhook(watch);
  return config;
}

}  // namespace countersign::cli
