#include "bench/processes/paced_load.h"

#include <algorithm>

#include "core/clock.h"
#include "http/client.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace countersign::bench {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::seconds patience{20};  // for one call

double percentile_ms(const std::vector<microseconds>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[index].count()) / 1000;
}

}  // namespace

// On the load's thread.
class PacedLoad::Run final {
 public:
  Run(const PacedLoad& load, net::Loop& loop)
      : load_(load),
        loop_(loop),
        pool_(loop, resolver_,
              {.host = load.options_.server.address.to_string(),
               .port = load.options_.server.port,
               .connections_max = static_cast<size_t>(load.options_.connections),
               .idle_max = static_cast<size_t>(load.options_.connections)}),
        began_(clock_.boot_now()) {}

  LoadResult perform() {
    for (int i = 0; i < load_.options_.connections; ++i) {
      ++running_;
      loop_.spawn(connection());
    }
    while (running_ > 0) loop_.turn(/*wait=*/true);
    const std::chrono::duration<double> took = clock_.boot_now() - began_;
    std::ranges::sort(latencies_);
    return {.requests = latencies_.size(),
            .failed = failed_,
            .requests_per_second = static_cast<double>(latencies_.size()) / took.count(),
            .p50_ms = percentile_ms(latencies_, 0.5),
            .p99_ms = percentile_ms(latencies_, 0.99)};
  }

 private:
  Task<void> connection() {
    const PacedLoadOptions& options = load_.options_;
    const BootClock::duration spacing =
        BootClock::duration(std::chrono::seconds(1)) / options.requests_per_second;
    while (!load_.stopping_) {
      const auto number = static_cast<int64_t>(next_++);
      co_await sleep_until(loop_, began_ + number * spacing);
      const std::string& target =
          options.targets[static_cast<size_t>(number) % options.targets.size()];
      const BootTime started = clock_.boot_now();
      const auto answer = co_await http::fetch(pool_, {.target = target}, started + patience);
      latencies_.push_back(std::chrono::duration_cast<microseconds>(clock_.boot_now() - started));
      if (!answer || answer->status / 100 != 2) ++failed_;
    }
    --running_;
  }

  const PacedLoad& load_;
  net::Loop& loop_;
  const SystemClock clock_;
  net::Resolver resolver_{clock_, {}};
  net::ClientPool pool_;
  const BootTime began_;
  uint64_t next_ = 0;
  uint64_t failed_ = 0;
  int running_ = 0;
  std::vector<microseconds> latencies_;
};

PacedLoad::PacedLoad(PacedLoadOptions options)
    : options_(std::move(options)), thread_([this] { result_ = run(); }) {}

PacedLoad::~PacedLoad() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<LoadResult> PacedLoad::run() const {
  CS_TRY(const auto loop, net::Loop::create());
  return Run(*this, *loop).perform();
}

Result<LoadResult> PacedLoad::stop() {
  stopping_ = true;
  thread_.join();
  return result_;
}

}  // namespace countersign::bench
