// Watch: sees what the rules raise through: a line in the audit log, a word to the webhook, and
// where the rule says so, the client's cut-off. On a thread of its own: nothing of it is on a
// request's way.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/worker.h"
#include "provider/audit/change_log.h"
#include "provider/audit/watch_rules.h"

namespace countersign::provider {

// What a Watch works with. Called on its thread.
struct WatchParts {
  ChangeLog& log;
  // Cuts the client off, through the one way to take something back. May be empty: no rule
  // quarantines.
  std::function<Result<void>(const Alert& alert)> quarantine;
  // Hands the alert to whoever is to know; does not wait. May be empty.
  std::function<void(const Alert& alert)> notify;
};

// Without a thread: what one batch of events leads to.
class WatchDesk final {
 public:
  // `state_path`: where what was learnt is kept; empty: nowhere. The parts outlive it. What is
  // there already is read: `watch.bad_state` is for the log, learning then begins anew.
  WatchDesk(WatchOptions options, WatchParts parts, std::string state_path, const Clock& clock);
  // Keeps what was learnt.
  ~WatchDesk();
  WatchDesk(const WatchDesk&) = delete;
  WatchDesk& operator=(const WatchDesk&) = delete;

  void consider(const std::vector<WatchEvent>& events);

 private:
  void act_on(const Alert& alert);
  void save();

  WatchRules rules_;
  WatchParts parts_;
  std::string state_path_;
  const Clock& clock_;
  BootTime saved_at_{};
};

class Watch final : public WatchSink {
 public:
  explicit Watch(std::unique_ptr<WatchDesk> desk) : desk_(std::move(desk)) {}

  // Drops them if too much waits already; says so in the process's log once.
  void take(std::vector<WatchEvent> events) override;

 private:
  std::unique_ptr<WatchDesk> desk_;
  std::atomic<bool> said_so_ = false;
  Worker worker_{{.threads = 1, .queue_max = 256}};  // destroyed first
};

// The alert as a JSON object, for a webhook: ids and addresses, no secret.
std::string alert_json(const Alert& alert, std::string_view node);

}  // namespace countersign::provider
