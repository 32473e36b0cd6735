#include "provider/audit/watch.h"

#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "core/json.h"
#include "core/log.h"
#include "core/text_file.h"

namespace countersign::provider {
namespace {

constexpr std::chrono::minutes save_every{5};

// Replaced as a whole. What is lost with a crash is learnt again.
bool replace_file(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  bool ok = true;
  while (ok && !text.empty()) {
    const ssize_t moved = ::write(descriptor, text.data(), text.size());
    ok = moved > 0;
    if (ok) text.remove_prefix(static_cast<size_t>(moved));
  }
  ::close(descriptor);
  return ok && ::rename(fresh.c_str(), path.c_str()) == 0;
}

std::string read_whole(const std::string& path) {
  std::string text;
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return text;
  constexpr size_t bytes_max = 64 * 1024 * 1024;
  std::array<char, 64 * 1024> piece;
  size_t moved = 0;
  while (text.size() < bytes_max && (moved = std::fread(piece.data(), 1, piece.size(), file)) > 0) {
    text.append(piece.data(), moved);
  }
  std::fclose(file);
  return text;
}

}  // namespace

WatchDesk::WatchDesk(WatchOptions options, WatchParts parts, std::string state_path,
                     const Clock& clock)
    : rules_(std::move(options)),
      parts_(std::move(parts)),
      state_path_(std::move(state_path)),
      clock_(clock),
      saved_at_(clock.boot_now()) {
  if (state_path_.empty()) return;
  if (const auto read = rules_.read(read_whole(state_path_)); !read) {
    process_log().error("watch.bad_state",
                        {{"error", read.error()}, {"effect", "learning begins anew"}});
  }
}

WatchDesk::~WatchDesk() {
  save();
}

void WatchDesk::save() {
  saved_at_ = clock_.boot_now();
  if (state_path_.empty() || rules_.credentials() == 0) return;
  if (!replace_file(state_path_, rules_.write())) {
    process_log().error("watch.state_not_kept", {{"file", state_path_}});
  }
}

void WatchDesk::consider(const std::vector<WatchEvent>& events) {
  for (const WatchEvent& event : events) {
    for (const Alert& alert : rules_.consider(event)) act_on(alert);
  }
  if (clock_.boot_now() - saved_at_ >= save_every) save();
}

void WatchDesk::act_on(const Alert& alert) {
  std::string what_followed(name_of(alert.action));
  std::string detail = alert.text;
  if (alert.action == WatchAction::quarantine && parts_.quarantine) {
    if (const auto done = parts_.quarantine(alert); !done) {
      what_followed = "quarantine_failed";
      detail += "; " + done.error().for_log();
    }
  }
  AuditRecord line;
  line.event = AuditEvent::alert;
  line.decision_id = alert.decision;
  line.client = alert.client;
  line.credential_id = alert.credential;
  line.remote = &alert.remote;
  line.rule = name_of(alert.rule);
  line.action = what_followed;
  line.detail = detail;
  const auto recorded = parts_.log.record(line);
  process_log().warning("watch.alert", {{"rule", name_of(alert.rule)},
                                        {"action", what_followed},
                                        {"client", alert.client},
                                        {"decision", alert.decision},
                                        {"recorded", recorded.has_value()}});
  if (parts_.notify) parts_.notify(alert);
}

void Watch::take(std::vector<WatchEvent> events) {
  const bool taken =
      worker_.submit([desk = desk_.get(), events = std::move(events)] { desk->consider(events); });
  if (taken || said_so_.exchange(true)) return;
  process_log().error("watch.too_much", {{"effect", "decisions were not looked at"}});
}

std::string alert_json(const Alert& alert, std::string_view node) {
  Json out;
  out["event"] = "alert";
  out["rule"] = name_of(alert.rule);
  out["action"] = name_of(alert.action);
  out["node"] = std::string(node);
  AuditLineWriter times("");
  out["time"] = times.time_text(alert.time);
  if (!alert.client.empty()) out["client"] = alert.client;
  if (!alert.credential.empty()) out["credential"] = alert.credential;
  if (!alert.decision.empty()) out["decision"] = alert.decision;
  out["remote"] = alert.remote.to_string();
  out["text"] = alert.text;
  return to_text(out);
}

}  // namespace countersign::provider
