// The gateway's watch with all that it acts through: the audit log, the record, the webhook.

#pragma once

#include <memory>
#include <string>

#include "cli/gateway_config.h"
#include "cli/watch_config.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "core/published.h"
#include "net/client_pool.h"
#include "net/loop_thread.h"
#include "provider/audit/alert_sender.h"
#include "provider/audit/watch.h"

namespace countersign::cli {

class GatewayWatch final {
 public:
  // All references outlive it.
  static Result<std::unique_ptr<GatewayWatch>> create(const GatewayConfig& config,
                                                      provider::AuditWriter& writer,
                                                      const Clock& clock, Entropy& entropy);
  ~GatewayWatch();
  GatewayWatch(const GatewayWatch&) = delete;
  GatewayWatch& operator=(const GatewayWatch&) = delete;

  provider::WatchSink& sink() { return *watch_; }

 private:
  GatewayWatch(const GatewayConfig& config, provider::AuditWriter& writer, const Clock& clock,
               Entropy& entropy);
  Result<void> start_webhook(const WatchWebhook& webhook);
  Result<void> quarantine(const provider::Alert& alert);
  void notify(const provider::Alert& alert);

  const GatewayConfig& config_;
  const Clock& clock_;
  Entropy& entropy_;
  provider::WriterChangeLog log_;
  Published<net::TlsClientContext> tls_;
  net::Resolver resolver_;
  std::unique_ptr<net::LoopThread> thread_;
  std::unique_ptr<net::ClientPool> pool_;
  std::unique_ptr<provider::AlertSender> sender_;
  std::unique_ptr<provider::Watch> watch_;  // ends first
};

}  // namespace countersign::cli
