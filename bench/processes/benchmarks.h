// The benchmarks that `./x bench` knows by name.

#pragma once

#include <filesystem>
#include <vector>

#include "bench/processes/result_table.h"
#include "core/result.h"

namespace countersign::bench {

struct BenchOptions {
  std::filesystem::path binaries;
  int rounds = 3;   // alternating with the peers; medians are taken
  int seconds = 3;  // of each measurement
  // Of a token, in the part of `tokens` that compares with libraries.
  int expiries = 20;
  std::filesystem::path peers;  // where bench/peers/build has put those libraries' programs
};

Result<std::vector<Row>> bench_egress(const BenchOptions& options);
Result<std::vector<Row>> bench_gateway(const BenchOptions& options);
Result<std::vector<Row>> bench_memory(const BenchOptions& options);
Result<std::vector<Row>> bench_functions(const BenchOptions& options);
Result<std::vector<Row>> bench_switch(const BenchOptions& options);
Result<std::vector<Row>> bench_tokens(const BenchOptions& options);

}  // namespace countersign::bench
