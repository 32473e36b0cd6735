#include "cli/egress_reload.h"

#include <algorithm>

#include "cli/egress_trial.h"

namespace countersign::cli {
namespace {

// What a new configuration is made of, but for what needs a restart.
bool is_same(const EgressGeneration& a, const EgressGeneration& b) {
  return a.apis() == b.apis() && a.config().callers == b.config().callers &&
         a.config().egress == b.config().egress;
}

}  // namespace

EgressReload::EgressReload(CommonOptions common, EgressLoops& loops, EgressProcess& process,
                           const Log& log, EgressReloadOptions options)
    : common_(std::move(common)),
      loops_(loops),
      process_(process),
      log_(log),
      options_(options),
      requested_(process.home->loop()) {}

void EgressReload::start() {
  watch_files_ = loops_.current()->config().watch_files;
  files_ = loops_.current()->config().files;
  following_ = follow();
  following_.start();
}

void EgressReload::request() {
  process_.home->loop().post([this] { requested_.set(); });
}

Task<void> EgressReload::follow() {
  seen_ = co_await look();
  for (;;) {
    if (co_await wait_for_change()) co_await reload();
  }
}

Task<EgressReload::Stamps> EgressReload::look() {
  auto stamps =
      co_await run_on<Stamps>(worker_, process_.home->loop(),
                              [files = files_]() -> Result<Stamps> { return look_at(files); });
  // A worker that is stopped means that the process ends.
  co_return stamps ? *std::move(stamps) : seen_;
}

// True: read the configuration again. False after a look that saw nothing new.
Task<bool> EgressReload::wait_for_change() {
  net::Loop& home = process_.home->loop();
  const BootTime retry_at =
      refused_.empty() ? BootTime::max() : home.now() + options_.retry_interval;
  Stamps before = seen_;
  while (home.now() < retry_at) {
    const BootTime next_look = watch_files_ ? home.now() + options_.look_interval : BootTime::max();
    if (co_await requested_.wait(std::min(next_look, retry_at))) {
      requested_.reset();
      log_.info("egress.reload_requested");
      co_return true;
    }
    if (!watch_files_) continue;
    Stamps now = co_await look();
    if (now != seen_ && now == before) {
      log_.info("egress.files_changed");
      co_return true;
    }
    before = std::move(now);
  }
  co_return true;
}

Task<Result<EgressConfig>> EgressReload::load() {
  co_return co_await run_on<EgressConfig>(
      worker_, process_.home->loop(), [common = common_] { return load_egress_config(common); });
}

void EgressReload::refuse(const Error& error) {
  log_.error("egress.reload_failed", {{"error", error}});
}

Task<void> EgressReload::reload() {
  seen_ = co_await look();  // before reading: what is written meanwhile is seen as a change
  auto config = co_await load();
  if (!config) co_return refuse(config.error());
  warn_of_restart(*config);
  watch_files_ = config->watch_files;
  if (files_ != config->files) {
    files_ = config->files;
    seen_ = co_await look();
  }
  auto next =
      EgressGeneration::create(*std::move(config), process_, numbers_ + 1, loops_.current().get());
  if (!next) co_return refuse(next.error());
  co_await try_changes(**next);
  co_await take(*std::move(next));
}

Task<void> EgressReload::try_changes(EgressGeneration& next) {
  refused_.clear();
  for (size_t i = 0; i < next.apis().size(); ++i) {
    const std::shared_ptr<EgressGeneration::Api> api = next.apis()[i];
    const std::shared_ptr<EgressGeneration::Api> old =
        loops_.current()->find(api->config.options.name);
    if (old == api) continue;
    api->parts->scheme().start();
    if (!old) continue;  // nothing to lose
    const auto tried =
        co_await try_out(*api, process_, process_.home->loop().now() + options_.trial_timeout);
    if (tried) continue;
    log_.error(
        "egress.switch_refused",
        {{"api", api->config.options.name},
         {"error", tried.error()},
         {"retry_in_seconds",
          std::chrono::duration_cast<std::chrono::seconds>(options_.retry_interval).count()}});
    refused_.push_back(api->config.options.name);
    next.replace(i, old);
  }
}

Task<void> EgressReload::take(std::shared_ptr<EgressGeneration> next) {
  if (is_same(*next, *loops_.current())) {
    log_.info("egress.reload_unchanged");
    co_return;
  }
  numbers_ = next->number();
  std::string switched;
  for (const auto& api : next->apis()) {
    if (loops_.current()->find(api->config.options.name) == api) continue;
    switched += (switched.empty() ? "" : " ") + api->config.options.name;
  }
  co_await loops_.switch_to(std::move(next));
  log_.info("egress.reloaded", {{"generation", numbers_}, {"switched", switched}});
}

void EgressReload::warn_of_restart(const EgressConfig& next) const {
  const EgressConfig& now = loops_.current()->config();
  const auto warn = [&](std::string_view what) {
    log_.warning("egress.restart_needed", {{"for", what}});
  };
  if (!(next.server == now.server)) warn("[[listener]] or [server]");
  if (!(next.admin == now.admin)) warn("[admin]");
  if (next.journal != now.journal) warn("[journal]");
  if (!(next.token_store == now.token_store)) warn("[token_store]");
  if (next.access_log_path != now.access_log_path) warn("[log] access_log");
}

}  // namespace countersign::cli
