// Egress: plain HTTP in, a credential added, kept-alive mutual TLS 1.3 out. nginx adds a static
// header.

#include <fmt/format.h>

#include "bench/processes/setup.h"

namespace countersign::bench {
namespace {

struct Case {
  std::string name;
  Load load;
  double cpu_goal;
};

struct Samples {
  std::vector<double> cpu;
  std::vector<double> rate;
  std::vector<double> p50;
  std::vector<double> p99;
  void add(const Sample& sample) {
    cpu.push_back(sample.cpu_us_per_request);
    rate.push_back(sample.load.requests_per_second);
    p50.push_back(sample.load.p50_ms);
    p99.push_back(sample.load.p99_ms);
  }
};

std::vector<Case> cases(std::chrono::seconds duration) {
  const auto load = [&](int connections, std::string method, std::string target, std::string body) {
    return Load{.connections = connections,
                .duration = duration,
                .method = std::move(method),
                .target = std::move(target),
                .body = std::move(body)};
  };
  return {{"GET 200 B, 64 connections", load(64, "GET", "/", ""), 0.80},
          {"GET 200 B, 1 connection", load(1, "GET", "/", ""), 0.90},
          {"GET 2 KiB, 64 connections", load(64, "GET", "/big", ""), 0.80},
          {"GET 2 KiB, 1 connection", load(1, "GET", "/big", ""), 0.90},
          {"POST 512 B, 64 connections", load(64, "POST", "/", std::string(512, 'p')), 0.80},
          {"POST 512 B, 1 connection", load(1, "POST", "/", std::string(512, 'p')), 0.90}};
}

Result<void> sample(Samples& into, pid_t pid, Load load, const Endpoint& server) {
  load.server = server;
  CS_TRY(const Sample taken, measure(pid, [&] { return run_wrk(load); }));
  into.add(taken);
  return {};
}

}  // namespace

Result<std::vector<Row>> bench_egress(const BenchOptions& options) {
  CS_TRY(const auto setup, Setup::create(options));
  CS_TRY(const Peer upstream, start_upstream(setup->files(), /*tls=*/true, 200));
  CS_CHECK(setup->start_gateway(upstream.address));  // for its issuer
  CS_TRY(const Peer nginx, start_nginx_egress(setup->files(), upstream.address));
  CS_TRY(const auto by_key, setup->start_egress("api_key", upstream.address));
  CS_TRY(const auto by_token, setup->start_egress("oauth2_certificate", upstream.address));
  std::vector<Row> rows;
  for (const Case& one : cases(std::chrono::seconds(options.seconds))) {
    Samples ours;
    Samples token;
    Samples peer;
    for (int round = 0; round < options.rounds; ++round) {
      CS_CHECK(sample(peer, nginx.process->pid(), one.load, nginx.address));
      CS_CHECK(sample(ours, by_key->process().pid(), one.load, by_key->egress()));
      CS_CHECK(sample(token, by_token->process().pid(), one.load, by_token->egress()));
    }
    const std::string name = "egress " + one.name;
    rows.push_back({.name = name + ", CPU per request",
                    .unit = "us",
                    .ours = median(ours.cpu),
                    .peer = median(peer.cpu),
                    .peer_name = "nginx",
                    .ratio_goal = one.cpu_goal});
    rows.push_back({.name = name + ", p99",
                    .unit = "ms",
                    .ours = median(ours.p99),
                    .peer = median(peer.p99),
                    .peer_name = "nginx",
                    .ratio_goal = 1.0});
    rows.push_back({.name = name + ", p50",
                    .unit = "ms",
                    .ours = median(ours.p50),
                    .peer = median(peer.p50),
                    .peer_name = "nginx"});
    rows.push_back({.name = name + ", requests",
                    .unit = "1/s",
                    .ours = median(ours.rate),
                    .peer = median(peer.rate),
                    .peer_name = "nginx"});
    rows.push_back({.name = name + ", oauth2, CPU per request",
                    .unit = "us",
                    .ours = median(token.cpu),
                    .peer = median(ours.cpu),
                    .peer_name = "api_key",
                    .ratio_goal = 1.05});
  }
  CS_TRY(const size_t resident, resident_bytes(by_key->process().pid()));
  rows.push_back({.name = "egress resident memory after 64 busy connections",
                  .unit = "MiB",
                  .ours = static_cast<double>(resident) / (1 << 20),
                  .ours_goal = 20});
  return rows;
}

}  // namespace countersign::bench
