// Resolver: host names to addresses, by getaddrinfo on a Worker's thread; one for the whole
// process. Answers are remembered for a short time. Addresses written as such need no look-up.
//
// Does NOT verify names (no DNSSEC): TLS decides who is at the other end.

#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/executor.h"
#include "core/ip_address.h"
#include "core/result.h"
#include "core/task.h"
#include "core/worker.h"

namespace countersign::net {

// In the order in which they should be tried; never empty.
using Addresses = std::vector<IpAddress>;

// getaddrinfo for stream sockets. Blocks. `net.resolve_failed`.
Result<Addresses> look_up(const std::string& host);

class Resolver final {
 public:
  struct Options {
    BootClock::duration positive_ttl =
        std::chrono::seconds(10);  // getaddrinfo does not tell the record's own
    BootClock::duration negative_ttl = std::chrono::seconds(1);
    size_t names_max = 1024;
    Worker::Options worker{.threads = 1, .queue_max = 256};
    std::function<Result<Addresses>(const std::string&)> look_up =
        net::look_up;  // called on the worker
  };
  // `clock` outlives the resolver.
  Resolver(const Clock& clock, Options options);

  // Thread-safe. `net.resolve_failed`; `core.worker_busy` or `core.worker_timeout` if the worker
  // does not keep up.
  Task<Result<Addresses>> resolve(Executor& executor, std::string host, BootTime deadline);

 private:
  struct Known {
    Result<Addresses> answer;
    BootTime until;
  };
  std::optional<Result<Addresses>> remembered(const std::string& host);
  Result<Addresses> look_up_and_remember(const std::string& host);

  const Clock& clock_;
  const Options options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;
  Worker worker_;  // last: its threads use all of the above
};

}  // namespace countersign::net
