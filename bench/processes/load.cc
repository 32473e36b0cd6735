#include "bench/processes/load.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/temporary_folder.h"
#include "core/text_file.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"
#include "http/client.h"
#include "net/client_pool.h"

namespace countersign::bench {
namespace {

using std::chrono::duration;
using std::chrono::microseconds;

std::unexpected<Error> unreadable(pid_t pid) {
  return fail(ErrorKind::unavailable, "bench.no_process",
              fmt::format("process {} cannot be looked at", pid));
}

std::string wrk_script(const Load& load) {
  // The report in one line of our own: wrk's own is for people.
  return fmt::format(
      "wrk.method = \"{}\"\n{}"
      "done = function(summary, latency, requests)\n"
      "  io.write(string.format(\"RESULT %d %d %d %d %d\\n\", summary.requests, summary.duration,\n"
      "    summary.errors.status + summary.errors.read + summary.errors.write + "
      "summary.errors.timeout + summary.errors.connect,\n"
      "    latency:percentile(50), latency:percentile(99)))\n"
      "end\n",
      load.method,
      load.body.empty()
          ? std::string()
          : fmt::format(
                "wrk.body = \"{}\"\nwrk.headers[\"Content-Type\"] = \"application/octet-stream\"\n",
                load.body));
}

double percentile(std::vector<uint32_t>& sorted_us, double share) {
  if (sorted_us.empty()) return 0;
  const auto index =
      static_cast<size_t>(std::floor(share * static_cast<double>(sorted_us.size() - 1)));
  return sorted_us[index] / 1000.0;
}

// State of one run_tls_load(), shared by its connections' tasks.
struct Generator {
  const TlsLoad& options;
  const Clock& clock;
  http::Client& client;
  BootTime end;
  uint64_t next = 0;
  uint64_t failed = 0;
  std::vector<uint32_t> latencies_us;

  bool more() const {
    return options.requests != 0 ? next < options.requests : clock.boot_now() < end;
  }

  Task<int> connection() {
    while (more()) {
      http::SimpleRequest request{
          .method = options.load.method, .target = options.load.target, .body = options.load.body};
      if (options.authorization)
        request.fields.emplace_back("Authorization", options.authorization(next));
      ++next;
      const BootTime started = clock.boot_now();
      const auto answer =
          co_await http::fetch(client, std::move(request), started + std::chrono::seconds(20));
      const auto took = std::chrono::duration_cast<microseconds>(clock.boot_now() - started);
      latencies_us.push_back(static_cast<uint32_t>(took.count()));
      if (!answer || answer->status / 100 != 2) ++failed;
    }
    co_return 0;
  }
};

Task<void> run_connection(Generator& generator, int& running) {
  co_await generator.connection();
  --running;
}

}  // namespace

Result<microseconds> cpu_time(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return unreadable(pid);
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // up to cmajflt
  int64_t user = 0;
  int64_t system = 0;
  fields >> user >> system;
  if (!fields) return unreadable(pid);
  return microseconds((user + system) * 1'000'000 / sysconf(_SC_CLK_TCK));
}

Result<size_t> resident_bytes(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    size_t kilobytes = 0;
    if (line.starts_with("VmRSS:") && std::istringstream(line.substr(6)) >> kilobytes)
      return kilobytes * 1024;
  }
  return unreadable(pid);
}

Result<LoadResult> run_wrk(const Load& load) {
  const TemporaryFolder folder;
  CS_CHECK(drill::write_private_file(folder / "load.lua", wrk_script(load)));
  CS_TRY(const drill::Finished finished,
         drill::run_command(
             {.argv = {"/usr/bin/wrk", "-t1", fmt::format("-c{}", load.connections),
                       fmt::format("-d{}s", load.duration.count()), "-s", folder / "load.lua",
                       fmt::format("http://{}{}", load.server.to_string(), load.target)}}));
  const size_t at = finished.output.find("RESULT ");
  if (finished.exit_code != 0 || at == std::string::npos) {
    return fail(ErrorKind::internal, "bench.wrk_failed", finished.output + finished.errors);
  }
  std::istringstream fields(finished.output.substr(at + 7));
  double duration_us = 0;
  double p50_us = 0;
  double p99_us = 0;
  LoadResult result;
  fields >> result.requests >> duration_us >> result.failed >> p50_us >> p99_us;
  result.requests_per_second = static_cast<double>(result.requests) / (duration_us / 1e6);
  result.p50_ms = p50_us / 1000;
  result.p99_ms = p99_us / 1000;
  return result;
}

Result<LoadResult> run_tls_load(const TlsLoad& options) {
  const SystemClock clock;
  CS_TRY(const auto loop, net::Loop::create());
  net::Resolver resolver(clock, {});
  Published<net::TlsClientContext> tls;
  CS_TRY(auto context, net::TlsClientContext::create(options.tls));
  tls.publish(std::move(context));
  const auto connections = static_cast<size_t>(options.load.connections);
  net::ClientPool pool(*loop, resolver,
                       {.host = options.load.server.address.to_string(),
                        .port = options.load.server.port,
                        .authority = options.authority,
                        .connections_max = connections,
                        .idle_max = connections},
                       &tls);
  const BootTime started = clock.boot_now();
  Generator generator{options, clock, pool, started + options.load.duration, 0, 0, {}};
  int running = options.load.connections;
  for (int i = 0; i < options.load.connections; ++i)
    loop->spawn(run_connection(generator, running));
  while (running > 0) loop->turn(/*wait=*/true);
  const duration<double> took = clock.boot_now() - started;
  std::ranges::sort(generator.latencies_us);
  return LoadResult{
      .requests = generator.latencies_us.size(),
      .failed = generator.failed,
      .requests_per_second = static_cast<double>(generator.latencies_us.size()) / took.count(),
      .p50_ms = percentile(generator.latencies_us, 0.5),
      .p99_ms = percentile(generator.latencies_us, 0.99)};
}

Result<Sample> measure(pid_t pid, const std::function<Result<LoadResult>()>& run) {
  CS_TRY(const microseconds before, cpu_time(pid));
  CS_TRY(const LoadResult load, run());
  CS_TRY(const microseconds after, cpu_time(pid));
  if (load.requests == 0 || load.failed != 0) {
    return fail(ErrorKind::internal, "bench.failed_requests",
                fmt::format("{} of {} requests failed", load.failed, load.requests));
  }
  return Sample{load,
                static_cast<double>((after - before).count()) / static_cast<double>(load.requests)};
}

}  // namespace countersign::bench
