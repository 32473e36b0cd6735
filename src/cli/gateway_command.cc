#include "cli/gateway_command.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "cli/gateway_config.h"
#include "cli/gateway_watch.h"
#include "core/log.h"
#include "core/worker.h"
#include "net/client_pool.h"
#include "net/run_server.h"
#include "provider/audit/audit_writer.h"
#include "provider/issuer/token_factory.h"
#include "provider/provider_service.h"
#include "store/feed_watcher.h"

namespace countersign::cli {
namespace {

class LoopGateway;

// The loops' gateways while they are there. Any thread.
class LoopGateways final {
 public:
  void add(net::Loop& loop, LoopGateway& gateway) {
    const std::lock_guard lock(mutex_);
    all_.emplace_back(&loop, &gateway);
  }
  void remove(const LoopGateway& gateway) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const auto& pair) { return pair.second == &gateway; });
  }
  // Posted to each loop. A gateway that is removed has left its loop before, and what was posted to
  // that does not run any more.
  void on_each(const std::function<void(LoopGateway&)>& work) {
    const std::lock_guard lock(mutex_);
    for (const auto& [loop, gateway] : all_) loop->post([work, gateway] { work(*gateway); });
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<net::Loop*, LoopGateway*>> all_;
};

// What all loops share. Members are destroyed in reverse: the loops first (they are not in here),
// then the watcher.
struct Shared {
  explicit Shared(GatewayConfig loaded, provider::GatewayPolicy compiled, const Log& process_log)
      : config(std::move(loaded)), policy(std::move(compiled)), log(process_log) {}

  GatewayConfig config;
  provider::GatewayPolicy policy;
  const Log& log;
  SystemClock clock;
  SystemEntropy entropy;
  Published<provider::TokenTrust> trust;
  Published<net::TlsServerContext> tls;
  LoopGateways loops;
  std::atomic<net::Server*> server = nullptr;  // while its loops run
  net::Resolver resolver{clock, {}};
  Worker lookups{
      {.threads = 1, .queue_max = 16}};  // of decisions, for the consumers they are about
  std::unique_ptr<provider::AuditWriter> audit;
  std::unique_ptr<GatewayWatch> watch;  // writes to the audit log
  std::unique_ptr<provider::Registry> registry;
  std::unique_ptr<store::FeedWatcher> watcher;
};

// One loop's gateway and issuer with all that is theirs alone.
class LoopGateway final : public http::Service {
 public:
  static Result<std::unique_ptr<http::Service>> create(Shared& shared, net::Loop& loop) {
    auto gateway = std::unique_ptr<LoopGateway>(new LoopGateway(shared, loop));
    CS_TRY(gateway->issuer_,
           provider::Issuer::create(issuer_options(shared.config), gateway->issuer_parts(shared)));
    CS_TRY(gateway->decisions_, provider::DecisionEndpoint::create(
                                    shared.config.record.audit.path, shared.config.gateway,
                                    gateway->decision_parts(shared, loop)));
    gateway->service_.emplace(*gateway->issuer_, gateway->gateway_, gateway->decisions_.get());
    shared.loops.add(loop, *gateway);
    return gateway;
  }

  ~LoopGateway() override { shared_.loops.remove(*this); }

  Task<void> serve(http::Exchange& exchange) override { return service_->serve(exchange); }
  // What is under way, and who is connected, when the registry has changed.
  void enforce_change() {
    gateway_.enforce_cut_offs();
    net::Server* const server = shared_.server.load();
    if (!server) return;
    server->close_connections(
        loop_, [this](const http::PeerInfo& peer) { return !gateway_.may_stay_connected(peer); });
  }

 private:
  LoopGateway(Shared& shared, net::Loop& loop)
      : shared_(shared),
        loop_(loop),
        view_(*shared.registry),
        audit_({.node = shared.config.record.node,
                .flush_interval = shared.config.record.audit.flush_interval,
                .watch = &shared.watch->sink()},
               *shared.audit, shared.clock, loop),
        upstream_(loop, shared.resolver,
                  {.host = shared.config.upstream.host,
                   .port = shared.config.upstream.port,
                   .authority = shared.config.upstream.authority()}),
        gateway_(shared.policy, {.registry = view_,
                                 .trust = shared.trust,
                                 .peppers = shared.config.record.peppers,
                                 .upstream = upstream_,
                                 .audit = audit_,
                                 .clock = shared.clock,
                                 .executor = loop,
                                 .entropy = shared.entropy}) {}

  static provider::IssuerOptions issuer_options(const GatewayConfig& config) {
    provider::IssuerOptions options;
    options.issuer = config.issuer;
    options.audience = config.audience;
    options.environment = config.record.environment;
    options.signing_keys = config.signing_keys;
    options.token_lifetime = config.token_lifetime;
    options.token_lifetime_max = config.record.token_lifetime_max;
    return options;
  }
  provider::IssuerParts issuer_parts(Shared& shared) {
    return {.registry = view_,
            .peppers = shared.config.record.peppers,
            .audit = audit_,
            .clock = shared.clock,
            .entropy = shared.entropy};
  }

  provider::DecisionEndpointParts decision_parts(Shared& shared, net::Loop& loop) {
    return {.registry = view_,
            .trust = shared.trust,
            .peppers = shared.config.record.peppers,
            .audit = audit_,
            .lookups = shared.lookups,
            .clock = shared.clock,
            .executor = loop,
            .entropy = shared.entropy};
  }

  Shared& shared_;
  net::Loop& loop_;
  provider::RegistryView view_;
  provider::AuditLog audit_;
  net::ClientPool upstream_;
  provider::GatewayService gateway_;
  std::unique_ptr<provider::Issuer> issuer_;
  std::unique_ptr<provider::DecisionEndpoint> decisions_;
  std::optional<provider::ProviderService> service_;
};

Result<void> publish_trust(Shared& shared) {
  auto trust = std::make_shared<provider::TokenTrust>();
  CS_TRY(trust->keys, provider::public_keys_of(shared.config.signing_keys));
  trust->rules.issuer = shared.config.issuer;
  trust->rules.audience = shared.config.audience;
  trust->rules.typ = jose::access_token_typ;
  shared.trust.publish(std::move(trust));
  return {};
}

// A change of the registry is in force for whatever comes next; this is for what is there already.
void enforce_change(Shared& shared) {
  shared.loops.on_each([](LoopGateway& gateway) { gateway.enforce_change(); });
}

// The registry is loaded and followed before the first request can come.
Result<void> start_registry(Shared& shared) {
  shared.registry = std::make_unique<provider::Registry>(
      provider::RegistryOptions{.max_staleness = shared.config.max_staleness,
                                .on_problem =
                                    [&log = shared.log](const Error& error) {
                                      log.error("gateway.bad_record", {{"error", error}});
                                    },
                                .on_change = [&shared] { enforce_change(shared); }});
  store::FeedWatcherOptions options;
  options.path = shared.config.record.store_path;
  options.node_name = shared.config.record.node;
  options.boot_id = encode_hex(shared.entropy.bytes(8));
  options.on_trouble = [&log = shared.log](const std::optional<Error>& error) {
    if (error) {
      log.error("gateway.record_away", {{"error", *error}});
    } else {
      log.info("gateway.record_back");
    }
  };
  CS_TRY(shared.watcher,
         store::FeedWatcher::create(std::move(options), *shared.registry, shared.clock));
  return {};
}

// Before the first request can come it is known that decisions can be recorded.
Result<void> start_audit(Shared& shared) {
  const RecordConfig& record = shared.config.record;
  CS_TRY(auto file, open_audit_file(record.audit, record.node, shared.clock));
  CS_TRY(shared.audit, provider::AuditWriter::start({}, std::move(file), shared.clock));
  CS_TRY(shared.watch,
         GatewayWatch::create(shared.config, *shared.audit, shared.clock, shared.entropy));
  return {};
}

// SIGHUP. Each part keeps what it had if its reading fails.
void reload(Shared& shared, const CommonOptions& common) {
  const auto apply = [&]() -> Result<void> {
    CS_TRY(const GatewayConfig config, load_gateway_config(common));
    CS_TRY(auto tls, net::TlsServerContext::create(config.tls));
    shared.tls.publish(std::move(tls));
    return {};
  };
  if (const auto applied = apply(); applied) {
    shared.log.info("gateway.tls_reloaded");
  } else {
    shared.log.error("gateway.reload_failed",
                     {{"error", applied.error()}, {"kept", "the old certificate"}});
  }
  (void)shared.audit->reopen();  // on the writer's thread, which logs what goes wrong
}

}  // namespace

Result<void> run_gateway(const CommonOptions& common) {
  const Log& log = process_log();
  CS_TRY(GatewayConfig config, load_gateway_config(common));
  for (const std::string& place : config.unsafe_options)
    log.warning("gateway.unsafe_option", {{"place", place}});
  CS_TRY(provider::GatewayPolicy policy, provider::GatewayPolicy::create(config.gateway));
  Shared shared(std::move(config), std::move(policy), log);
  CS_CHECK(publish_trust(shared));
  CS_CHECK(start_audit(shared));
  CS_TRY(auto tls, net::TlsServerContext::create(shared.config.tls));
  shared.tls.publish(std::move(tls));

  net::RunOptions options;
  const ServerConfig& server = shared.config.server;
  for (const net::ListenOptions& listener : server.listeners) {
    CS_TRY(auto socket, net::ListeningSocket::create(listener));
    options.server.endpoints.push_back({.socket = std::move(socket), .tls = &shared.tls});
  }
  options.server.threads = server.threads;
  options.server.connection_limits = server.connections;
  options.server.serving.limits = server.limits;
  options.server.serving.on_handshake_failed = [&log](const Endpoint& peer, const Error& error) {
    log.info("gateway.handshake_failed", {{"peer", peer.to_string()}, {"error", error}});
  };
  options.drain_patience = server.drain_patience;
  std::mutex mutex;
  options.on_started = [&shared](net::Server& started) -> Result<void> {
    shared.server = &started;
    return {};
  };
  options.on_reload = [&] { reload(shared, common); };
  return net::run_server("gateway", log, std::move(options),
                         [&](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
                           const std::lock_guard lock(mutex);
                           if (!shared.registry) CS_CHECK(start_registry(shared));
                           return LoopGateway::create(shared, loop);
                         });
}

}  // namespace countersign::cli
