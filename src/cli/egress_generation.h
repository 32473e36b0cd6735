// EgressGeneration: everything that one loading of an egress's configuration makes, as one
// immutable object. A new configuration is a new generation beside the old one; calls that began
// with the old one end with it. LoopGeneration is one loop's side of it.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/egress_config.h"
#include "client/api_parts.h"
#include "consumer/call_policy.h"
#include "consumer/egress/egress_journal.h"
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
  std::unique_ptr<net::LoopThread> home;       // renews tokens, answers the admin listener
  consumer::EgressJournal* journal = nullptr;  // null: writes are not journalled
  consumer::TokenSharing* sharing = nullptr;   // null: tokens are this process's own
};

class EgressGeneration final {
 public:
  // One API's parts that all loops share. Passes on to the next generation if nothing about it has
  // changed. Destroyed on the home thread, or when that has ended.
  struct Api {
    explicit Api(EgressApiConfig read) : config(std::move(read)) {}
    const EgressApiConfig config;
    consumer::IdentityEnds ends;
    std::unique_ptr<client::ApiParts> parts;
  };

  // Makes everything, connects to nothing. The process outlives it. APIs of `previous` whose
  // configuration is equal are used again. Errors are misconfigurations.
  static Result<std::shared_ptr<EgressGeneration>> create(
      EgressConfig config, EgressProcess& process, uint64_t number,
      const EgressGeneration* previous = nullptr);
  // On the home thread, or when that has ended; no LoopGeneration of it is left.
  ~EgressGeneration() = default;

  uint64_t number() const { return number_; }
  const EgressConfig& config() const { return config_; }
  const std::vector<std::shared_ptr<Api>>& apis() const { return apis_; }
  // The one of this name; null if there is none.
  std::shared_ptr<Api> find(std::string_view name) const;
  // Before the loops know this generation: puts another in the place of an API whose trial failed.
  void replace(size_t index, std::shared_ptr<Api> api) { apis_[index] = std::move(api); }
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
  Result<void> add_api(const EgressApiConfig& config, const EgressGeneration* previous);

  EgressProcess& process_;
  const uint64_t number_;
  const EgressConfig config_;
  std::optional<consumer::CallerPolicy> callers_;
  std::vector<std::shared_ptr<Api>> apis_;
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
  // `log` and `loop` outlive it. What the loop has for the APIs that `previous` shares with this
  // one is used again; the rest of it is retired. Counters go on if the APIs have the same names.
  LoopGeneration(std::shared_ptr<EgressGeneration> shared, net::Loop& loop,
                 consumer::AccessLog& log, const LoopGeneration* previous = nullptr);
  ~LoopGeneration();
  LoopGeneration(const LoopGeneration&) = delete;
  LoopGeneration& operator=(const LoopGeneration&) = delete;

  consumer::EgressService& service() { return *service_; }
  // As the service has them; they live as long as this object.
  const std::vector<consumer::EgressApi>& egress_apis() const { return egress_apis_; }
  LoopSample sample() const;

 private:
  // One API's connections and scheme on this loop.
  struct LoopApi {
    LoopApi(std::shared_ptr<EgressGeneration::Api> api, EgressProcess& process, net::Loop& loop);
    ~LoopApi();
    LoopApi(const LoopApi&) = delete;
    LoopApi& operator=(const LoopApi&) = delete;

    std::shared_ptr<EgressGeneration::Api> shared;
    net::Loop& home;
    std::unique_ptr<net::ClientPool> pool;
    std::unique_ptr<consumer::Scheme> scheme;
    consumer::CallPolicy policy;
  };
  void take_over(const LoopGeneration& previous);
  bool has_same_names(const LoopGeneration& previous) const;

  std::shared_ptr<EgressGeneration> shared_;
  std::shared_ptr<consumer::EgressCounters> counters_;
  std::vector<std::shared_ptr<LoopApi>> apis_;
  std::vector<consumer::EgressApi> egress_apis_;
  std::optional<consumer::EgressService> service_;
};

}  // namespace countersign::cli
