#include "cli/gateway_watch.h"

#include <fmt/format.h>

#include "provider/audit/audited_registry_store.h"
#include "provider/registry/registry_admin.h"
#include "store/sqlite_registry_store.h"

namespace countersign::cli {

GatewayWatch::GatewayWatch(const GatewayConfig& config, provider::AuditWriter& writer,
                           const Clock& clock, Entropy& entropy)
    : config_(config),
      clock_(clock),
      entropy_(entropy),
      log_(writer, config.record.node, clock),
      resolver_(clock, {}) {}

Result<std::unique_ptr<GatewayWatch>> GatewayWatch::create(const GatewayConfig& config,
                                                           provider::AuditWriter& writer,
                                                           const Clock& clock, Entropy& entropy) {
  auto made = std::unique_ptr<GatewayWatch>(new GatewayWatch(config, writer, clock, entropy));
  const WatchConfig& watch = config.watch;
  provider::WatchParts parts{.log = made->log_, .quarantine = {}, .notify = {}};
  if (watch.quarantines()) {
    parts.quarantine = [raw = made.get()](const provider::Alert& alert) {
      return raw->quarantine(alert);
    };
  }
  if (watch.webhook) {
    CS_CHECK(made->start_webhook(*watch.webhook));
    parts.notify = [raw = made.get()](const provider::Alert& alert) { raw->notify(alert); };
  }
  made->watch_ = std::make_unique<provider::Watch>(std::make_unique<provider::WatchDesk>(
      watch.rules, std::move(parts), watch.state_path, clock));
  return made;
}

GatewayWatch::~GatewayWatch() {
  watch_.reset();
  if (thread_) thread_->stop();  // the loop is this thread's again
  sender_.reset();
}

Result<void> GatewayWatch::start_webhook(const WatchWebhook& webhook) {
  CS_TRY(auto tls, net::TlsClientContext::create({.server_anchors_pem = webhook.anchors_pem,
                                                  .server_name = webhook.url.host}));
  tls_.publish(std::move(tls));
  CS_TRY(thread_, net::LoopThread::create());
  net::ClientPoolOptions options{.host = webhook.url.host, .port = webhook.url.port};
  options.authority = webhook.url.authority();
  pool_ = std::make_unique<net::ClientPool>(thread_->loop(), resolver_, std::move(options), &tls_);
  sender_ = std::make_unique<provider::AlertSender>(
      provider::AlertSenderOptions{.target = webhook.url.target(), .bearer = webhook.bearer},
      *pool_, thread_->loop());
  thread_->start();
  return {};
}

// Rare: a store is opened for each. What is cut off is in the feed, so that every gateway hears.
Result<void> GatewayWatch::quarantine(const provider::Alert& alert) {
  CS_TRY(const auto store, store::SqliteRegistryStore::open(config_.record.store_path, clock_));
  provider::AuditedRegistryStore audited(*store, log_,
                                         fmt::format("watch:{}", name_of(alert.rule)));
  provider::RegistryAdmin admin(audited, config_.record.peppers, clock_, entropy_,
                                {.environment = config_.record.environment,
                                 .token_lifetime_max = config_.record.token_lifetime_max});
  CS_TRY([[maybe_unused]] const int64_t seq,
         admin.disable_client(alert.client, fmt::format("quarantine: {}", name_of(alert.rule))));
  return {};
}

void GatewayWatch::notify(const provider::Alert& alert) {
  // The decision and the rule name the alert: a receiver can tell that it comes again.
  sender_->send(fmt::format("{}-{}", alert.decision, name_of(alert.rule)),
                provider::alert_json(alert, config_.record.node));
}

}  // namespace countersign::cli
