// countersign-bench: what `./x bench` runs.

#include <csignal>
#include <functional>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/processes/benchmarks.h"

namespace {

using countersign::bench::BenchOptions;
using countersign::bench::Row;

using Benchmark = std::function<countersign::Result<std::vector<Row>>(const BenchOptions&)>;

const std::map<std::string, Benchmark>& benchmarks() {
  static const std::map<std::string, Benchmark> all = {
      {"egress", countersign::bench::bench_egress},
      {"functions", countersign::bench::bench_functions},
      {"gateway", countersign::bench::bench_gateway},
      {"memory", countersign::bench::bench_memory},
      {"switch", countersign::bench::bench_switch},
      {"tokens", countersign::bench::bench_tokens}};
  return all;
}

bool run(const std::string& name, const BenchOptions& options,
         const std::filesystem::path& results) {
  fmt::print("\n{}\n", name);
  const auto rows = benchmarks().at(name)(options);
  if (!rows) {
    fmt::print(stderr, "bench {}: {}\n", name, rows.error().for_log());
    return false;
  }
  countersign::bench::print_table(*rows);
  const auto written = countersign::bench::write_json(results / (name + ".json"), *rows);
  if (!written) fmt::print(stderr, "bench {}: {}\n", name, written.error().for_log());
  return written.has_value();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares with nginx, HAProxy and token libraries doing the same work.");
  BenchOptions options;
  std::filesystem::path results = ".";
  std::vector<std::string> names;
  std::vector<std::string> known;
  for (const auto& [name, benchmark] : benchmarks()) known.push_back(name);
  app.add_option("--binaries", options.binaries, "folder of the programs")->required();
  app.add_option("--results", results, "where NAME.json goes");
  app.add_option("--rounds", options.rounds, "medians are taken over so many (default 3)")
      ->check(CLI::Range(1, 100));
  app.add_option("--seconds", options.seconds, "of each measurement (default 3)")
      ->check(CLI::Range(1, 600));
  app.add_option("--expiries", options.expiries,
                 "tokens: of 12 s each, with 64 callers meanwhile (default 20)")
      ->check(CLI::Range(1, 100));
  app.add_option("--peers", options.peers, "folder of what bench/peers/build has made");
  app.add_option("name", names, "which; default: all")->check(CLI::IsMember(known));
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  bool ok = true;
  for (const std::string& name : names.empty() ? known : names)
    ok = run(name, options, results) && ok;
  return ok ? 0 : 1;
}
