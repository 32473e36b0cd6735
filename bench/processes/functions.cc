// Single functions: runs the Google Benchmark program and takes the figures that have a goal.

#include "bench/processes/benchmarks.h"
#include "core/json.h"
#include "drill/child_process.h"

namespace countersign::bench {

Result<std::vector<Row>> bench_functions(const BenchOptions& options) {
  CS_TRY(const drill::Finished finished,
         drill::run_command({.argv = {(options.binaries / "countersign-bench-functions").string(),
                                      "--benchmark_format=json", "--benchmark_min_time=0.2"}}));
  if (finished.exit_code != 0)
    return fail(ErrorKind::internal, "bench.functions_failed", finished.errors);
  CS_TRY(const Json report, parse_json(finished.output, {.bytes_max = 4 << 20}));
  std::vector<Row> rows;
  for (const Json& benchmark : report.value("benchmarks", Json::array())) {
    Row row{.name = string_member(benchmark, "name").value_or("?"),
            .unit = "ns",
            .ours = benchmark.value("cpu_time", 0.0)};
    if (row.name.starts_with("read_") || row.name.starts_with("share_"))
      row.ours_goal = 20;  // the current token
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace countersign::bench
