// EgressGeneration: everything that one loading of an egress's configuration makes, as one
// immutable object. A new configuration is a new generation beside the old one; calls that began
// with the old one end with it. LoopGeneration is one loop's side of it.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/egress_config.h"
#include "consumer/egress/egress_report.h"
#include "core/entropy.h"
#include "core/published.h"
#include "net/client_pool.h"
#include "net/loop_thread.h"

namespace countersign::cli {

// What outlives every generation.
struct EgressProcess {
  explicit EgressProcess(std::unique_ptr<net::LoopThread> thread) : home(std::move(thread)) {}

  SystemClock clock;
  SystemEntropy entropy;
  net::Resolver resolver{clock, {}};
  std::unique_ptr<net::LoopThread> home;  // renews tokens, answers the admin listener
};

class EgressGeneration final {
 public:
  // One API's parts that all loops share.
  struct Api {
    const EgressApiConfig* config = nullptr;
    consumer::IdentityEnds ends;
    Published<net::TlsClientContext> tls;
    Published<net::TlsClientContext> issuer_tls;
    std::unique_ptr<net::ClientPool> issuer_pool;  // on the home loop
    std::unique_ptr<consumer::ProcessScheme> scheme;
  };

  // Makes everything, connects to nothing. The process outlives it. Errors are misconfigurations.
  static Result<std::shared_ptr<EgressGeneration>> create(EgressConfig config,
                                                          EgressProcess& process, uint64_t number);
  // On the home thread, or when that has ended; no LoopGeneration of it is left.
  ~EgressGeneration() = default;

  uint64_t number() const { return number_; }
  const EgressConfig& config() const { return config_; }
  const std::vector<std::unique_ptr<Api>>& apis() const { return apis_; }
  const consumer::CallerPolicy& callers() const { return *callers_; }
  EgressProcess& process() const { return process_; }

  // Asks for the first tokens, on the home thread.
  void start();
  // A report of no traffic: names, and how the authentication stands. Thread-safe.
  consumer::EgressReport report() const;

 private:
  EgressGeneration(EgressConfig config, EgressProcess& process, uint64_t number)
      : process_(process), number_(number), config_(std::move(config)) {}
  Result<void> make_callers();
  Result<void> make_api(const EgressApiConfig& config);

  EgressProcess& process_;
  const uint64_t number_;
  const EgressConfig config_;
  std::optional<consumer::CallerPolicy> callers_;
  std::vector<std::unique_ptr<Api>> apis_;
};

// What one loop counted, as of one moment.
struct LoopSample {
  consumer::EgressCounters counters;
  std::vector<size_t> connections;  // to each API: busy and idle
  std::vector<size_t> idle;
};

// Made, used and destroyed on its loop's thread.
class LoopGeneration final {
 public:
  // `log` and `loop` outlive it.
  LoopGeneration(std::shared_ptr<EgressGeneration> shared, net::Loop& loop,
                 consumer::AccessLog& log);

  consumer::EgressService& service() { return *service_; }
  LoopSample sample() const;

 private:
  std::shared_ptr<EgressGeneration> shared_;
  consumer::EgressCounters counters_;
  std::vector<std::unique_ptr<net::ClientPool>> pools_;
  std::vector<std::unique_ptr<consumer::Scheme>> schemes_;
  std::optional<consumer::EgressService> service_;
};

}  // namespace countersign::cli
