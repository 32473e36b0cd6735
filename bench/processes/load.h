// Load on a server, and what it cost the server's process.

#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/ip_address.h"
#include "core/result.h"
#include "net/tls.h"

namespace countersign::bench {

// utime + stime of one process, all its threads (/proc/PID/stat).
Result<std::chrono::microseconds> cpu_time(pid_t pid);
// VmRSS, in bytes.
Result<size_t> resident_bytes(pid_t pid);

struct LoadResult {
  uint64_t requests = 0;
  uint64_t failed = 0;  // no answer, or not a 2xx
  double requests_per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

struct Load {
  Endpoint server;
  int connections = 1;
  std::chrono::seconds duration{3};
  std::string method = "GET";
  std::string target = "/";
  std::string body;
};

// wrk, one thread. For plain HTTP.
Result<LoadResult> run_wrk(const Load& load);

// Our own generator, one thread, for mutual TLS: each connection sends the next request when it has
// the last answer.
struct TlsLoad {
  Load load;
  std::string authority;
  net::TlsClientContext::Options tls;
  uint64_t requests = 0;                               // instead of a duration, if not 0
  std::function<std::string(uint64_t)> authorization;  // the field's value for the n-th request
};
Result<LoadResult> run_tls_load(const TlsLoad& load);

// One measurement: the load, and the CPU time that the process spent on it.
struct Sample {
  LoadResult load;
  double cpu_us_per_request = 0;
};
Result<Sample> measure(pid_t pid, const std::function<Result<LoadResult>()>& run);

}  // namespace countersign::bench
