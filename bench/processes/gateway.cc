// Gateway: mutual TLS 1.3 in, a certificate-bound JWT checked in full, scopes, network, cut-offs,
// an audit line, plain HTTP out.

#include <fmt/format.h>
#include <time.h>

#include "bench/processes/setup.h"
#include "crypto/key.h"

namespace countersign::bench {
namespace {

using std::chrono::seconds;

// CPU time of one ES256 verification on this machine, median of several runs.
Result<double> es256_verify_us() {
  CS_TRY(const crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::es256));
  const Bytes data(300, 'd');
  CS_TRY(const Bytes signature, key.sign(data));
  const crypto::PublicKey verifier = key.public_key();
  std::vector<double> runs;
  for (int run = 0; run < 7; ++run) {
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (int i = 0; i < 1000; ++i) CS_CHECK(verifier.verify(crypto::es256, data, signature));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    runs.push_back((static_cast<double>(after.tv_sec - before.tv_sec) * 1e6 +
                    static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e3) /
                   1000);
  }
  return median(runs);
}

Result<double> cpu_of(pid_t pid, const TlsLoad& load, std::vector<double>* p99 = nullptr) {
  CS_TRY(const Sample taken, measure(pid, [&] { return run_tls_load(load); }));
  if (p99) p99->push_back(taken.load.p99_ms);
  return taken.cpu_us_per_request;
}

}  // namespace

Result<std::vector<Row>> bench_gateway(const BenchOptions& options) {
  constexpr size_t many = 10'000;
  CS_TRY(const auto setup, Setup::create(options));
  CS_TRY(const Peer upstream, start_upstream(setup->files(), /*tls=*/false, 200));
  CS_CHECK(setup->start_gateway(upstream.address));
  CS_TRY(const auto tokens, setup->fetch_tokens(many));
  CS_TRY(const auto fresh_tokens, setup->fetch_tokens(many));
  const std::string one_token = "Bearer " + tokens.front();
  CS_TRY(const Peer nginx, start_nginx_gateway(setup->files(), upstream.address, one_token));
  CS_TRY(const auto public_key, setup->issuer_public_key());
  CS_TRY(const Peer haproxy, start_haproxy_gateway(setup->files(), upstream.address, public_key));
  const pid_t ours_pid = setup->provider().gateway_process().pid();
  const auto load = [&](const Endpoint& server, int connections) {
    TlsLoad made = setup->tls_load(server, connections, seconds(options.seconds));
    made.authorization = [&](uint64_t) { return one_token; };
    return made;
  };
  std::vector<Row> rows;
  for (const int connections : {64, 1}) {
    std::vector<double> ours, ours_many, by_nginx, by_haproxy, p99, nginx_p99;
    for (int round = 0; round < options.rounds; ++round) {
      CS_TRY(const double nginx_cpu,
             cpu_of(nginx.process->pid(), load(nginx.address, connections), &nginx_p99));
      by_nginx.push_back(nginx_cpu);
      CS_TRY(const double ours_cpu,
             cpu_of(ours_pid, load(setup->provider().gateway(), connections), &p99));
      ours.push_back(ours_cpu);
      TlsLoad in_turn = load(setup->provider().gateway(), connections);
      in_turn.authorization = [&](uint64_t n) { return "Bearer " + tokens[n % many]; };
      if (round == 0) {
        in_turn.requests = many;  // seen once before they are measured
        CS_TRY([[maybe_unused]] const double warm, cpu_of(ours_pid, in_turn));
        in_turn.requests = 0;
      }
      CS_TRY(const double many_cpu, cpu_of(ours_pid, in_turn));
      ours_many.push_back(many_cpu);
      CS_TRY(const double haproxy_cpu,
             cpu_of(haproxy.process->pid(), load(haproxy.address, connections)));
      by_haproxy.push_back(haproxy_cpu);
    }
    const std::string name =
        fmt::format("gateway, {} connection{}", connections, connections == 1 ? "" : "s");
    const auto row = [&](std::string what, const std::vector<double>& values,
                         const std::vector<double>& peer, std::string peer_name, double goal) {
      rows.push_back({.name = name + ", " + what,
                      .unit = "us",
                      .ours = median(values),
                      .peer = median(peer),
                      .peer_name = std::move(peer_name),
                      .ratio_goal = goal});
    };
    row("one token, CPU per request", ours, by_nginx, "nginx", 0.9);
    row("one token, CPU per request", ours, by_haproxy, "haproxy", 0.25);
    row("10,000 tokens in turn, CPU per request", ours_many, by_nginx, "nginx", 0.9);
    row("10,000 tokens in turn, CPU per request", ours_many, by_haproxy, "haproxy", 0.25);
    rows.push_back({.name = name + ", p99",
                    .unit = "ms",
                    .ours = median(p99),
                    .peer = median(nginx_p99),
                    .peer_name = "nginx"});
    if (connections == 64) {
      TlsLoad first_sight = load(setup->provider().gateway(), connections);
      first_sight.requests = many;
      first_sight.authorization = [&](uint64_t n) { return "Bearer " + fresh_tokens[n % many]; };
      CS_TRY(const double first, cpu_of(ours_pid, first_sight));
      CS_TRY(const double verify, es256_verify_us());
      rows.push_back({.name = "gateway, first sight of a token, CPU beyond a known one",
                      .unit = "us",
                      .ours = first - median(ours_many),
                      .peer = verify,
                      .peer_name = "ES256 verify",
                      .ratio_goal = 1.1});
    }
  }
  return rows;
}

}  // namespace countersign::bench
