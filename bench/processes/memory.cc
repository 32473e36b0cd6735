// Memory: what an idle mutual-TLS connection of the gateway keeps resident.

#include <fmt/format.h>

#include "bench/processes/setup.h"

namespace countersign::bench {
namespace {

// Opens many connections, each used for one request, and keeps them open.
class IdleConnections final {
 public:
  static Result<std::unique_ptr<IdleConnections>> open(const TlsLoad& load) {
    auto idle = std::unique_ptr<IdleConnections>(new IdleConnections());
    CS_TRY(auto context, net::TlsClientContext::create(load.tls));
    idle->tls_.publish(std::move(context));
    CS_TRY(idle->loop_, net::Loop::create());
    for (int i = 0; i < load.load.connections; ++i) {
      idle->pools_.push_back(std::make_unique<net::ClientPool>(
          *idle->loop_, idle->resolver_,
          net::ClientPoolOptions{.host = load.load.server.address.to_string(),
                                 .port = load.load.server.port,
                                 .authority = load.authority,
                                 .idle_timeout = std::chrono::hours(1)},
          &idle->tls_));
      http::SimpleRequest request{.target = load.load.target};
      request.fields.emplace_back("Authorization", load.authorization(0));
      CS_CHECK(idle->loop_->run_until_done(
          http::fetch(*idle->pools_.back(), std::move(request), BootTime::max())));
    }
    return idle;
  }

 private:
  SystemClock clock_;
  Published<net::TlsClientContext> tls_;
  net::Resolver resolver_{clock_, {}};
  std::unique_ptr<net::Loop> loop_;
  std::vector<std::unique_ptr<net::ClientPool>> pools_;
};

}  // namespace

Result<std::vector<Row>> bench_memory(const BenchOptions& options) {
  CS_TRY(const auto setup, Setup::create(options));
  CS_TRY(const Peer upstream, start_upstream(setup->files(), /*tls=*/false, 200));
  CS_CHECK(setup->start_gateway(upstream.address));
  const pid_t pid = setup->provider().gateway_process().pid();
  TlsLoad load = setup->tls_load(setup->provider().gateway(), 100, std::chrono::seconds(1));
  load.authorization = [&](uint64_t) { return "ApiKey " + setup->api_key(); };
  CS_TRY(const auto first, IdleConnections::open(load));  // what the process needs once
  CS_TRY(const size_t before, resident_bytes(pid));
  load.load.connections = 800;
  CS_TRY(const auto more, IdleConnections::open(load));
  CS_TRY(const size_t after, resident_bytes(pid));
  std::vector<Row> rows;
  rows.push_back({.name = "gateway resident memory, 100 idle connections",
                  .unit = "MiB",
                  .ours = static_cast<double>(before) / (1 << 20)});
  rows.push_back({.name = "gateway, each further idle mutual-TLS connection",
                  .unit = "KiB",
                  .ours = static_cast<double>(after - before) / 800 / 1024,
                  .ours_goal = 40});
  return rows;
}

}  // namespace countersign::bench
