// What it costs to read the current token from a slot: alone, from eight threads at once, and while
// it is renewed a thousand times a second. Goal: at most 20 ns, without lock or system call.

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>

#include "consumer/slot.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "core/executor.h"

namespace countersign::consumer {
namespace {

// A loop that runs when it is told to; posting may come from any thread.
class PlainExecutor final : public Executor {
 public:
  BootTime now() const override { return clock_.boot_now(); }
  WallTime wall_now() const override { return clock_.wall_now(); }
  void post(std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  void spawn(Task<void> task) override {
    tasks_.push_back(std::move(task));
    tasks_.back().start();
  }
  void run() {
    std::deque<std::move_only_function<void()>> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(posted_);
    }
    for (auto& item : work) item();
    queue_.fire_due(now());
  }

 private:
  TimerQueue& timers() override { return queue_; }
  SystemClock clock_;
  TimerQueue queue_;
  std::mutex mutex_;
  std::deque<std::move_only_function<void()>> posted_;
  std::deque<Task<void>> tasks_;
};

class InstantSource final : public TokenSource {
 public:
  Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest) override {
    const std::string token = "token-" + std::to_string(++serial_) + std::string(800, 'x');
    co_return TokenGrant{.access_token = Secret::copy_of(token), .lifetime = std::chrono::hours(1)};
  }

 private:
  uint64_t serial_ = 0;
};

// One slot for all threads of a benchmark.
struct Home {
  SystemClock clock;
  SystemEntropy entropy;
  PlainExecutor loop;
  InstantSource source;
  // Without breaker, so that the writer can refuse one token after the other.
  TokenSlot slot{SlotKey{.issuer = "https://issuer.example", .client_id = "bench"},
                 source,
                 loop,
                 clock,
                 entropy,
                 SlotOptions{.breaker_first = std::chrono::milliseconds(0),
                             .breaker_max = std::chrono::milliseconds(0)}};
  Home() { slot.start(); }
  Instant now() const { return {clock.boot_now(), clock.wall_now()}; }
};

Home& home() {
  static Home one;
  return one;
}

void read_current(benchmark::State& state) {
  PlainExecutor loop;
  TokenSlot::Reader reader(home().slot, loop);
  const Instant now = home().now();  // a loop reads the clocks once a turn, not once a request
  for (auto _ : state) {
    const Token* token = reader.current(now);
    benchmark::DoNotOptimize(token->field_value.unsafe_reveal_text().data());
  }
}
BENCHMARK(read_current)->Threads(1)->Threads(8)->UseRealTime();

// As the schemes do: kept beyond the next change.
void share_current(benchmark::State& state) {
  PlainExecutor loop;
  TokenSlot::Reader reader(home().slot, loop);
  const Instant now = home().now();
  for (auto _ : state) {
    std::shared_ptr<const Token> token = reader.share(now);
    benchmark::DoNotOptimize(token);
  }
}
BENCHMARK(share_current)->Threads(1)->Threads(8)->UseRealTime();

void read_while_renewed(benchmark::State& state) {
  Home own;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    TokenSlot::Reader refuser(own.slot, own.loop);
    while (!stop) {
      own.loop.run();
      if (const Token* token = refuser.current(own.now())) refuser.reject(token->generation);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  PlainExecutor loop;
  {
    TokenSlot::Reader reader(own.slot, loop);
    const Instant now = own.now();
    for (auto _ : state) benchmark::DoNotOptimize(reader.current(now));
  }
  stop = true;
  writer.join();
}
BENCHMARK(read_while_renewed)->UseRealTime();

}  // namespace
}  // namespace countersign::consumer

BENCHMARK_MAIN();
