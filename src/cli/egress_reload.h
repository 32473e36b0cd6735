// EgressReload: takes a changed configuration into the running egress, on SIGHUP or when one of the
// files it was read from has changed (design §4.4).
//
// What cannot be read, or is wrong, changes nothing. An API that differs is tried out first
// (egress_trial.h); one that fails its trial stays as it was, is logged, and is tried again until
// it passes or the files change. The others switch, all loops within a turn; calls under way end
// with what they began with. What needs a restart (listeners, threads, the admin listener, the
// access log's path) is named in the log and left as it is.

#pragma once

#include <atomic>
#include <filesystem>
#include <vector>

#include "cli/common_options.h"
#include "cli/egress_loops.h"
#include "core/executor.h"
#include "core/file_stamps.h"
#include "core/log.h"
#include "core/worker.h"

namespace countersign::cli {

struct EgressReloadOptions {
  // Files are looked at this often. A change is taken once two looks in a row see the same, so that
  // a certificate and its key written one after the other are taken together.
  std::chrono::milliseconds look_interval{1'000};
  // For one API's trial: token, handshake and probe.
  std::chrono::milliseconds trial_timeout{15'000};
  // Between two trials of what was refused; the provider may learn of a certificate later.
  std::chrono::milliseconds retry_interval{30'000};
};

class EgressReload final {
 public:
  // All references outlive it. Destroyed on the home thread, or when that has ended.
  EgressReload(CommonOptions common, EgressLoops& loops, EgressProcess& process, const Log& log,
               EgressReloadOptions options = {});

  // On the home thread, once.
  void start();
  // SIGHUP. Thread-safe.
  void request();

 private:
  using Stamps = std::vector<FileStamp>;
  Task<void> follow();
  Task<Stamps> look();
  Task<bool> wait_for_change();
  Task<void> reload();
  Task<Result<EgressConfig>> load();
  Task<void> try_changes(EgressGeneration& next);
  Task<void> take(std::shared_ptr<EgressGeneration> next);
  void warn_of_restart(const EgressConfig& next) const;
  void refuse(const Error& error);

  const CommonOptions common_;
  EgressLoops& loops_;
  EgressProcess& process_;
  const Log& log_;
  const EgressReloadOptions options_;
  Worker worker_{{.threads = 1, .queue_max = 4}};
  Event requested_;
  uint64_t numbers_ = 1;  // of the generations made
  bool watch_files_ = true;
  std::vector<std::filesystem::path> files_;
  Stamps seen_;                       // when the configuration was read last
  std::vector<std::string> refused_;  // APIs whose trial failed
  Task<void> following_;
};

}  // namespace countersign::cli
