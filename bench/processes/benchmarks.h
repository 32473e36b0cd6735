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
};

Result<std::vector<Row>> bench_egress(const BenchOptions& options);
Result<std::vector<Row>> bench_gateway(const BenchOptions& options);
Result<std::vector<Row>> bench_memory(const BenchOptions& options);
Result<std::vector<Row>> bench_functions(const BenchOptions& options);

}  // namespace countersign::bench
