// 64 callers across many expiries of their token: how often the issuer is asked, and what the calls
// notice of it.
//
// The floor is the same egress with a token that lasts: what of the waiting is the machine's and
// not the token's.
//
// All contestants run at the same time against one issuer and API, each with its own client there:
// whatever else the machine does meets them alike. Their rules for when to ask differ (ours: at 60
// to 80 % of the lifetime, ahead of need; Go's: 10 s before the end; openid-client's program: in
// the last second), so grants are compared for each time that a token was replaced. What is counted
// begins when each caller's first call has ended.

#include <algorithm>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "bench/processes/tokens.h"
#include "bench/processes/tokens_peers.h"

namespace countersign::bench {
namespace {

// More than Go's fixed margin of 10 s, so that it does not ask at every call.
constexpr std::chrono::seconds token_lifetime{12};
constexpr std::chrono::milliseconds grant_time{150};
constexpr std::chrono::seconds lasting_lifetime{3600};

struct Outcome {
  CallerResult calls;
  ClientRecord record;
};

// One program that keeps tokens, and how it is run: returns when it is done.
struct Contestant {
  std::string name;
  std::string client;
  std::function<Result<CallerResult>(const std::function<void()>& on_warm)> run;
};

Result<std::vector<Outcome>> run_together(FakeIssuer& issuer,
                                          const std::vector<Contestant>& contestants) {
  std::vector<Result<Outcome>> results(contestants.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < contestants.size(); ++i) {
      threads.emplace_back([&issuer, &contestant = contestants[i], &result = results[i]] {
        auto calls = contestant.run([&] { issuer.forget(contestant.client); });
        if (calls) {
          result = Outcome{*calls, issuer.record(contestant.client)};
        } else {
          result = std::unexpected(std::move(calls).error());
        }
      });
    }
  }
  std::vector<Outcome> outcomes;
  for (Result<Outcome>& result : results) {
    CS_TRY(const Outcome outcome, std::move(result));
    outcomes.push_back(outcome);
  }
  return outcomes;
}

struct Measure {
  std::string name;
  std::string unit;
  double (*value)(const Outcome&);
  std::optional<double> goal;
};

std::vector<Measure> measures(const CallerLoad& load) {
  return {
      {"calls made", "calls",
       [](const Outcome& one) { return static_cast<double>(one.calls.calls); }, std::nullopt},
      {"grants asked for", "grants",
       [](const Outcome& one) { return static_cast<double>(one.record.grants); }, std::nullopt},
      {"grants per new token", "grants",
       [](const Outcome& one) {
         return static_cast<double>(one.record.grants) /
                static_cast<double>(std::max<uint64_t>(1, one.record.renewals()));
       },
       1.0},
      {"calls failed", "calls",
       [](const Outcome& one) { return static_cast<double>(one.calls.failed); }, 0.0},
      {fmt::format("calls over {} ms", load.stall.count()), "calls",
       [](const Outcome& one) { return static_cast<double>(one.calls.stalled); }, 0.0},
      {"longest call", "ms", [](const Outcome& one) { return one.calls.longest_ms; }, std::nullopt},
  };
}

std::vector<Row> rows_of(const std::string& title, const CallerLoad& load,
                         const std::vector<Contestant>& contestants,
                         const std::vector<Outcome>& outcomes) {
  std::vector<Row> rows;
  for (const Measure& measure : measures(load)) {
    Row row{
        .unit = measure.unit, .ours = measure.value(outcomes.front()), .ours_goal = measure.goal};
    for (size_t i = 1; i < outcomes.size(); ++i) {
      row.name = title + measure.name + " (" + contestants[i].name + ")";
      row.peer = measure.value(outcomes[i]);
      row.peer_name = contestants[i].name;
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

Result<std::vector<Row>> expiry_rows(const TokenBench& bench) {
  const CallerLoad load{.stall = grant_time / 2,
                        .duration = token_lifetime * bench.options.expiries};
  bench.issuer.add_client("expiring", token_lifetime, grant_time);
  bench.issuer.add_client("floor", lasting_lifetime, grant_time);
  CS_TRY(const auto ours,
         start_token_egress(bench, {.client = "expiring", .api = bench.issuer.address()}));
  CS_TRY(const auto floor,
         start_token_egress(bench, {.client = "floor", .api = bench.issuer.address()}));
  const auto through = [&load](const drill::Consumer& egress) {
    return [&load, address = egress.egress()](const std::function<void()>& on_warm) {
      return run_callers(address, load, on_warm);
    };
  };
  std::vector<Contestant> contestants = {{"ours", "expiring", through(*ours)},
                                         {"floor", "floor", through(*floor)}};
  const PeerFiles& files = bench.setup.files();
  for (const TokenPeer& peer : built_token_peers(bench.options.peers, files)) {
    bench.issuer.add_client(peer.client, token_lifetime, grant_time);
    contestants.push_back({peer.name, peer.client,
                           [&, peer](const std::function<void()>& on_warm) -> Result<CallerResult> {
                             CS_TRY(const auto process,
                                    start_token_peer(peer, files, bench.issuer, load));
                             return await_token_peer(*process, on_warm);
                           }});
  }
  CS_TRY(const std::vector<Outcome> outcomes, run_together(bench.issuer, contestants));
  const std::string title = fmt::format("{} expiries: ", bench.options.expiries);
  return rows_of(title, load, contestants, outcomes);
}

}  // namespace countersign::bench
