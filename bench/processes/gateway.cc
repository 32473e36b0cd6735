// Gateway: mutual TLS 1.3 in, a certificate-bound JWT checked in full, scopes, network, cut-offs,
// an audit line, plain HTTP out.

#include <fmt/format.h>
#include <time.h>

#include "bench/processes/setup.h"
#include "crypto/key.h"

namespace countersign::bench {
namespace {

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

constexpr size_t many = 10'000;

// The peers, our gateway, and the tokens it granted.
struct Field {
  std::unique_ptr<Setup> setup;
  Peer upstream;
  Peer nginx;
  Peer haproxy;
  Peer haproxy_plain;                     // verifies nothing
  std::vector<std::string> tokens;        // seen before they are measured
  std::vector<std::string> fresh_tokens;  // seen for the first time when they are measured
  int seconds = 3;

  pid_t ours_pid() const { return setup->provider().gateway_process().pid(); }
  TlsLoad one_token(const Endpoint& server, int connections) const {
    TlsLoad load = setup->tls_load(server, connections, std::chrono::seconds(seconds));
    load.authorization = [this](uint64_t) { return "Bearer " + tokens.front(); };
    return load;
  }
  TlsLoad ours(int connections) const {
    return one_token(setup->provider().gateway(), connections);
  }
  TlsLoad ours_in_turn(int connections, const std::vector<std::string>& all) const {
    TlsLoad load = ours(connections);
    load.authorization = [&all](uint64_t n) { return "Bearer " + all[n % all.size()]; };
    return load;
  }
};

Result<Field> prepare(const BenchOptions& options) {
  Field field{.seconds = options.seconds};
  CS_TRY(field.setup, Setup::create(options));
  Setup& setup = *field.setup;
  CS_TRY(field.upstream, start_upstream(setup.files(), /*tls=*/false, 200));
  CS_CHECK(setup.start_gateway(field.upstream.address));
  CS_TRY(field.tokens, setup.fetch_tokens(many));
  CS_TRY(field.fresh_tokens, setup.fetch_tokens(many));
  CS_TRY(field.nginx, start_nginx_gateway(setup.files(), field.upstream.address,
                                          "Bearer " + field.tokens.front()));
  CS_TRY(const auto public_key, setup.issuer_public_key());
  CS_TRY(field.haproxy, start_haproxy_gateway(setup.files(), field.upstream.address, public_key));
  CS_TRY(field.haproxy_plain,
         start_haproxy_gateway(setup.files(), field.upstream.address, std::nullopt));
  return field;
}

struct Runs {
  std::vector<double> ours, ours_many, nginx, haproxy, p99, nginx_p99;
};

// Ours and the peers, one after the other.
Result<void> run_round(const Field& field, int connections, Runs& runs) {
  CS_TRY(const double nginx,
         cpu_of(field.nginx.process->pid(), field.one_token(field.nginx.address, connections),
                &runs.nginx_p99));
  CS_TRY(const double ours, cpu_of(field.ours_pid(), field.ours(connections), &runs.p99));
  CS_TRY(const double ours_many,
         cpu_of(field.ours_pid(), field.ours_in_turn(connections, field.tokens)));
  CS_TRY(const double haproxy,
         cpu_of(field.haproxy.process->pid(), field.one_token(field.haproxy.address, connections)));
  runs.nginx.push_back(nginx);
  runs.ours.push_back(ours);
  runs.ours_many.push_back(ours_many);
  runs.haproxy.push_back(haproxy);
  return {};
}

void add_rows(const Runs& runs, int connections, std::vector<Row>& rows) {
  const std::string name =
      fmt::format("gateway, {} connection{}", connections, connections == 1 ? "" : "s");
  const auto row = [&](std::string_view what, const std::vector<double>& values,
                       const std::vector<double>& peer, std::string peer_name, double goal) {
    rows.push_back({.name = fmt::format("{}, {}, CPU per request", name, what),
                    .unit = "us",
                    .ours = median(values),
                    .peer = median(peer),
                    .peer_name = std::move(peer_name),
                    .ratio_goal = goal});
  };
  row("one token", runs.ours, runs.nginx, "nginx", 0.9);
  row("one token", runs.ours, runs.haproxy, "haproxy", 0.25);
  row("10,000 tokens in turn", runs.ours_many, runs.nginx, "nginx", 0.9);
  row("10,000 tokens in turn", runs.ours_many, runs.haproxy, "haproxy", 0.25);
  rows.push_back({.name = name + ", p99",
                  .unit = "ms",
                  .ours = median(runs.p99),
                  .peer = median(runs.nginx_p99),
                  .peer_name = "nginx"});
}

// What a token costs when it is seen first, beside one verification in a loop of nothing else, and
// beside what verification costs HAProxy among the same requests, where the caches are not its own.
Result<void> add_first_sight(const Field& field, std::vector<Row>& rows) {
  const auto cpu_of_all = [](pid_t pid, TlsLoad load) {
    load.requests = many;
    return cpu_of(pid, load);
  };
  CS_TRY(const double known, cpu_of_all(field.ours_pid(), field.ours_in_turn(64, field.tokens)));
  CS_TRY(const double unknown,
         cpu_of_all(field.ours_pid(), field.ours_in_turn(64, field.fresh_tokens)));
  CS_TRY(const double plain, cpu_of_all(field.haproxy_plain.process->pid(),
                                        field.one_token(field.haproxy_plain.address, 64)));
  CS_TRY(const double verifying,
         cpu_of_all(field.haproxy.process->pid(), field.one_token(field.haproxy.address, 64)));
  CS_TRY(const double verify, es256_verify_us());
  const std::string name = "gateway, first sight of a token, CPU beyond a known one";
  rows.push_back({.name = name,
                  .unit = "us",
                  .ours = unknown - known,
                  .peer = verify,
                  .peer_name = "ES256 verify",
                  .ratio_goal = 1.1});
  rows.push_back({.name = name,
                  .unit = "us",
                  .ours = unknown - known,
                  .peer = verifying - plain,
                  .peer_name = "haproxy's jwt_verify"});
  return {};
}

}  // namespace

Result<std::vector<Row>> bench_gateway(const BenchOptions& options) {
  CS_TRY(const Field field, prepare(options));
  TlsLoad warm = field.ours_in_turn(64, field.tokens);
  warm.requests = many;
  CS_TRY([[maybe_unused]] const double ignored, cpu_of(field.ours_pid(), warm));
  std::vector<Row> rows;
  for (const int connections : {64, 1}) {
    Runs runs;
    for (int round = 0; round < options.rounds; ++round)
      CS_CHECK(run_round(field, connections, runs));
    add_rows(runs, connections, rows);
  }
  CS_CHECK(add_first_sight(field, rows));
  return rows;
}

}  // namespace countersign::bench
