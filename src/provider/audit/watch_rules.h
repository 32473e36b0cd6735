// The rules of the watch: what in the stream of decisions looks like a breach, and what follows.
// Pure: events in, alerts out; time comes with the events. Memory is bounded, whatever the events
// are.
//
// A rule is about a credential (a key, a secret, or a client's certificate alone). For `learn_for`
// after it was seen first, what it does is learnt; afterwards an address, a certificate or an hour
// of the day that it never had is told once. The tables survive a restart (write, read).

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "provider/audit/watch_event.h"

namespace countersign::provider {

enum class WatchRule : uint8_t {
  new_address,      // never seen for this credential: its network, /24 or /64
  new_certificate,  // never seen with this credential
  new_hour,         // an hour of the day (UTC) at which this credential was never used
  denial_burst,     // many refusals of one client, or from one network
  refresh_reuse,    // a refresh token that was used up already
  honey_key,        // a credential that nobody should have
};
inline constexpr size_t watch_rules_count = 6;

enum class WatchAction : uint8_t {
  off,
  alert,
  quarantine,  // and cuts the client off
};

std::string_view name_of(WatchRule rule);
std::string_view name_of(WatchAction action);

struct WatchOptions {
  // By rule, in their order.
  std::array<WatchAction, watch_rules_count> actions{WatchAction::alert, WatchAction::alert,
                                                     WatchAction::off,   WatchAction::alert,
                                                     WatchAction::alert, WatchAction::alert};
  std::chrono::seconds learn_for{7 * 24 * 3600};
  uint32_t burst_denials = 20;  // within burst_window: an alert
  std::chrono::seconds burst_window{60};
  std::vector<std::string> honey;  // ids of keys or clients
  // The same rule about the same client is not told again for this long.
  std::chrono::seconds quiet_for{60};
  size_t credentials_max = 20'000;  // some 300 bytes each
  size_t sources_max = 4'096;       // clients and networks whose denials are counted

  WatchAction action_of(WatchRule rule) const { return actions[static_cast<size_t>(rule)]; }
};

struct Alert {
  WatchRule rule = WatchRule::new_address;
  WatchAction action = WatchAction::alert;
  std::string client;  // empty: not proven; then nothing is cut off
  std::string credential;
  std::string decision;  // the one that raised it
  IpAddress remote;
  WallTime time{};
  std::string text;  // one sentence
};

class WatchRules final {
 public:
  explicit WatchRules(WatchOptions options) : options_(std::move(options)) {}

  std::vector<Alert> consider(const WatchEvent& event);

  // What was learnt, as JSON lines, and back. `watch.bad_state`: nothing of it is taken.
  std::string write() const;
  Result<void> read(std::string_view text);

  size_t credentials() const { return credentials_.size(); }
  // Credentials that are not watched because there are too many.
  uint64_t untracked() const { return untracked_; }

 private:
  struct Habits {
    WallTime since{};
    std::vector<uint64_t> networks;  // the newest last
    std::vector<uint64_t> certificates;
    uint32_t hours = 0;  // a bit each
  };
  struct Denials {
    WallTime since{};
    uint32_t count = 0;
  };
  using Alerts = std::vector<Alert>;

  void watch_habits(const WatchEvent& event, Alerts& alerts);
  void watch_denials(const WatchEvent& event, Alerts& alerts);
  Denials* denials_of(const std::string& source, WallTime now);
  void raise(WatchRule rule, const WatchEvent& event, std::string text, Alerts& alerts);

  WatchOptions options_;
  std::map<std::string, Habits, std::less<>> credentials_;
  std::map<std::string, Denials, std::less<>> denials_;
  std::map<std::string, WallTime, std::less<>> told_;
  uint64_t untracked_ = 0;
};

}  // namespace countersign::provider
