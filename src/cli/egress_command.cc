#include "cli/egress_command.h"

#include <memory>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "cli/egress_config.h"
#include "consumer/token_sharing.h"
#include "core/log.h"
#include "net/client_pool.h"
#include "net/loop_thread.h"
#include "net/run_server.h"

namespace countersign::cli {
namespace {

// One API's parts that all loops share. Destroyed after the loops, and after the home thread has
// stopped.
struct SharedApi {
  const EgressApiConfig* config = nullptr;
  Published<net::TlsClientContext> tls;
  Published<net::TlsClientContext> issuer_tls;
  std::unique_ptr<net::ClientPool> issuer_pool;  // on the home loop
  std::unique_ptr<consumer::ProcessScheme> scheme;
};

struct Shared {
  Shared(EgressConfig loaded, std::unique_ptr<net::LoopThread> thread)
      : config(std::move(loaded)), home(std::move(thread)) {}

  EgressConfig config;
  SystemClock clock;
  SystemEntropy entropy;
  net::Resolver resolver{clock, {}};
  net::Fd access_log;
  std::unique_ptr<LogSink> access_sink;
  std::unique_ptr<net::LoopThread> home;  // renews tokens
  std::unique_ptr<Worker> token_worker;
  std::unique_ptr<consumer::TokenSharing> sharing;  // null: each process has its own tokens
  std::vector<std::unique_ptr<SharedApi>> apis;
};

net::ClientPoolOptions pool_options(const http::Url& url, const std::optional<Endpoint>& connect_to,
                                    size_t connections_max) {
  net::ClientPoolOptions options{.host = url.host, .port = url.port};
  if (connect_to) {
    options.host = connect_to->address.to_string();
    options.port = connect_to->port;
  }
  options.authority = url.authority();
  options.connections_max = connections_max;
  return options;
}

Result<std::unique_ptr<SharedApi>> make_api(const EgressApiConfig& config, Shared& shared) {
  auto api = std::make_unique<SharedApi>();
  api->config = &config;
  CS_TRY(auto tls, net::TlsClientContext::create(config.tls));
  api->tls.publish(std::move(tls));
  if (config.issuer) {
    CS_TRY(auto issuer_tls, net::TlsClientContext::create(config.issuer_tls));
    api->issuer_tls.publish(std::move(issuer_tls));
    api->issuer_pool = std::make_unique<net::ClientPool>(
        shared.home->loop(), shared.resolver,
        pool_options(*config.issuer, config.issuer_connect_to, 4),  // a slot asks once at a time
        &api->issuer_tls);
  }
  CS_TRY(api->scheme,
         consumer::make_scheme(config.scheme->name, config.settings,
                               {.home = shared.home->loop(),
                                .clock = shared.clock,
                                .entropy = shared.entropy,
                                .issuer = api->issuer_pool.get(),
                                .certificate_thumbprint = config.certificate_thumbprint,
                                .sharing = shared.sharing.get()}));
  return api;
}

// One loop's egress with all that is its alone.
class LoopEgress final : public http::Service {
 public:
  LoopEgress(Shared& shared, net::Loop& loop) : loop_(loop), access_log_(shared.access_sink.get()) {
    std::vector<consumer::EgressApi> apis;
    for (const auto& api : shared.apis) {
      const EgressApiConfig& config = *api->config;
      pools_.push_back(std::make_unique<net::ClientPool>(
          loop, shared.resolver,
          pool_options(config.url, config.connect_to, config.connections_max), &api->tls));
      schemes_.push_back(api->scheme->for_loop(loop));
      apis.push_back({.options = config.options,
                      .scheme_name = std::string(config.scheme->name),
                      .scheme = schemes_.back().get(),
                      .process_scheme = api->scheme.get(),
                      .upstream = pools_.back().get()});
    }
    service_.emplace(std::move(apis), loop, shared.clock, access_log_, shared.config.egress);
  }

  Task<void> serve(http::Exchange& exchange) override {
    co_await service_->serve(exchange);
    flush_at_end_of_turn();
  }

 private:
  // All lines of a turn leave in one write.
  void flush_at_end_of_turn() {
    if (flush_due_ || !access_log_.enabled()) return;
    flush_due_ = true;
    loop_.at_end_of_turn([this] {
      flush_due_ = false;
      access_log_.flush();
    });
  }

  net::Loop& loop_;
  consumer::AccessLog access_log_;
  std::vector<std::unique_ptr<net::ClientPool>> pools_;
  std::vector<std::unique_ptr<consumer::Scheme>> schemes_;
  std::optional<consumer::EgressService> service_;
  bool flush_due_ = false;
};

Result<void> open_access_log(Shared& shared) {
  const std::string& path = shared.config.access_log_path;
  if (path.empty()) return {};
  if (path == "-") {
    shared.access_sink = std::make_unique<DescriptorSink>(STDOUT_FILENO);
    return {};
  }
  shared.access_log = net::Fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (shared.access_log.get() < 0) {
    return fail(ErrorKind::misconfigured, "egress.access_log",
                path + ": cannot be opened for writing");
  }
  shared.access_sink = std::make_unique<DescriptorSink>(shared.access_log.get());
  return {};
}

// One store, one thread for it and one set of keys for all slots of the process.
Result<void> share_tokens(Shared& shared) {
  const std::optional<TokenStoreConfig>& config = shared.config.token_store;
  if (!config) return {};
  CS_TRY(std::shared_ptr<store::TokenStore> store, open_token_store(*config, shared.clock));
  CS_TRY(store::SealingKeys keys, load_sealing_keys(*config));
  shared.token_worker = std::make_unique<Worker>(Worker::Options{.threads = 1});
  shared.sharing = std::make_unique<consumer::TokenSharing>(
      consumer::TokenSharing::Parts{
          .store = std::move(store),
          .keys = std::make_shared<const store::SealingKeys>(std::move(keys)),
          .home = shared.home->loop(),
          .worker = *shared.token_worker,
          .clock = shared.clock,
          .entropy = shared.entropy,
          .log = process_log()},
      consumer::TokenSharingOptions{.lease = config->lease});
  return {};
}

// Everything but the log, sockets and threads. Prefixes are checked as the service wants them.
Result<std::unique_ptr<Shared>> make_shared_parts(EgressConfig config) {
  CS_TRY(auto home, net::LoopThread::create());
  auto shared = std::make_unique<Shared>(std::move(config), std::move(home));
  std::vector<consumer::EgressApi> prefixes;
  for (const EgressApiConfig& api : shared->config.apis)
    prefixes.push_back({.options = api.options});
  CS_CHECK(consumer::check_apis(prefixes));
  CS_CHECK(share_tokens(*shared));
  for (const EgressApiConfig& api : shared->config.apis) {
    CS_TRY(auto made, make_api(api, *shared));
    shared->apis.push_back(std::move(made));
  }
  return shared;
}

}  // namespace

Result<void> check_egress(EgressConfig config) {
  CS_TRY(const auto shared, make_shared_parts(std::move(config)));
  shared->apis.clear();  // before the loop that they use
  return {};
}

Result<void> run_egress(const CommonOptions& common) {
  const Log& log = process_log();
  CS_TRY(EgressConfig config, load_egress_config(common));
  for (const std::string& place : config.unsafe_options)
    log.warning("egress.unsafe_option", {{"place", place}});
  CS_TRY(const auto owned, make_shared_parts(std::move(config)));
  Shared& shared = *owned;
  CS_CHECK(open_access_log(shared));
  net::RunOptions options;
  const ServerConfig& server = shared.config.server;
  for (const net::ListenOptions& listener : server.listeners) {
    CS_TRY(auto socket, net::ListeningSocket::create(listener));
    options.server.endpoints.push_back({.socket = std::move(socket)});
  }
  options.server.threads = server.threads;
  options.server.connection_limits = server.connections;
  options.server.serving.limits = server.limits;
  options.drain_patience = server.drain_patience;
  options.on_started = [&](net::Server&) -> Result<void> {
    for (const auto& api : shared.apis) {
      shared.home->loop().post([scheme = api->scheme.get()] { scheme->start(); });
    }
    shared.home->start();
    return {};
  };
  auto result = net::run_server("egress", log, std::move(options),
                                [&](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
                                  return std::make_unique<LoopEgress>(shared, loop);
                                });
  shared.home->stop();
  shared.apis.clear();  // schemes and pools go before the loop that they used
  return result;
}

}  // namespace countersign::cli
