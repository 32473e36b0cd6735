// The egress under load from 64 connections: with tokens that are renewed every second or two, with
// tokens that last, and with tokens that last and are shared through a token store.
//
// Each measurement has an egress of its own, started for it and warmed up: nothing of another kind
// runs beside it. The kinds alternate, and so does which of them goes first.

#include <fmt/format.h>

#include "bench/processes/tokens.h"
#include "core/entropy.h"
#include "store/sealing_keys.h"

namespace countersign::bench {
namespace {

constexpr int connections = 64;
constexpr std::chrono::seconds warm_up{1};
// Renewed after 1.2 to 1.6 s.
constexpr std::chrono::seconds short_lifetime{2};
constexpr std::chrono::seconds long_lifetime{3600};
// As at an issuer in the same city; whoever waits for it is seen in the p99.
constexpr std::chrono::milliseconds grant_time{20};

struct Samples {
  std::vector<double> cpu;
  std::vector<double> p99;
};

Result<void> sample(Samples& into, const TokenBench& bench, const TokenEgress& kind) {
  CS_TRY(const auto egress, start_token_egress(bench, kind));
  Load load{.server = egress->egress(), .connections = connections, .duration = warm_up};
  CS_CHECK(run_wrk(load));
  load.duration = std::chrono::seconds(bench.options.seconds);
  CS_TRY(const Sample taken, measure(egress->process().pid(), [&] { return run_wrk(load); }));
  into.cpu.push_back(taken.cpu_us_per_request);
  into.p99.push_back(taken.load.p99_ms);
  return {};
}

// Samples of each kind, in the order given; each round begins with another one.
Result<std::vector<Samples>> sample_in_turn(const TokenBench& bench,
                                            const std::vector<TokenEgress>& kinds) {
  // Not counted: what is measured first finds the upstream and the machine's caches cold.
  Samples discarded;
  CS_CHECK(sample(discarded, bench, kinds.front()));
  std::vector<Samples> samples(kinds.size());
  for (int round = 0; round < bench.options.rounds; ++round) {
    for (size_t i = 0; i < kinds.size(); ++i) {
      const size_t kind = (i + static_cast<size_t>(round)) % kinds.size();
      CS_CHECK(sample(samples[kind], bench, kinds[kind]));
    }
  }
  return samples;
}

Row compared(std::string name, std::string unit, double ours, double peer, std::string peer_name) {
  return {.name = std::move(name),
          .unit = std::move(unit),
          .ours = ours,
          .peer = peer,
          .peer_name = std::move(peer_name),
          .ratio_goal = 1.05};
}

// [token_store] on a SQLite file, as the processes of one machine share it.
Result<std::string> token_store(const TokenBench& bench) {
  const std::filesystem::path& folder = bench.setup.files().folder;
  SystemEntropy entropy;
  CS_CHECK(drill::write_private_file(
      folder / "store-keys", store::SealingKeys::new_line(1, entropy).unsafe_reveal_text()));
  return fmt::format("[token_store]\npath = \"{}\"\nkey_file = \"{}\"\n",
                     (folder / "tokens.db").string(), (folder / "store-keys").string());
}

}  // namespace

Result<std::vector<Row>> renewal_rows(const TokenBench& bench) {
  CS_TRY(const Peer upstream, start_upstream(bench.setup.files(), /*tls=*/true, 200));
  bench.issuer.add_client("renewing", short_lifetime, grant_time);
  bench.issuer.add_client("lasting", long_lifetime, grant_time);
  bench.issuer.add_client("sharing", long_lifetime, grant_time);
  CS_TRY(const std::string shared, token_store(bench));
  CS_TRY(const std::vector<Samples> samples,
         sample_in_turn(bench,
                        {{.client = "lasting", .api = upstream.address},
                         {.client = "renewing", .api = upstream.address},
                         {.client = "sharing", .api = upstream.address, .extra_toml = shared}}));
  const Samples& lasting = samples[0];
  const Samples& renewing = samples[1];
  const Samples& sharing = samples[2];
  const std::string load = fmt::format("egress, {} connections, ", connections);
  const std::string title = fmt::format("{}tokens of {} s", load, short_lifetime.count());
  const std::string peer = fmt::format("tokens of {} s", long_lifetime.count());
  return std::vector<Row>{
      compared(title + ", p99", "ms", median(renewing.p99), median(lasting.p99), peer),
      compared(title + ", CPU per request", "us", median(renewing.cpu), median(lasting.cpu), peer),
      compared(load + "[token_store], p99", "ms", median(sharing.p99), median(lasting.p99), peer),
      compared(load + "[token_store], CPU per request", "us", median(sharing.cpu),
               median(lasting.cpu), "without")};
}

}  // namespace countersign::bench
