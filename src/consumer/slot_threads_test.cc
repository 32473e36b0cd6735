// The slot read by several threads while it is renewed: for ThreadSanitizer, and for what must hold
// on any interleaving.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/slot.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_token_source.h"
#include "support/test_executor.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::FakeTokenSource;
using testing::TestExecutor;

constexpr int readers = 4;

// Time stands still here: FakeClock is written by one thread only, and none does.
struct Home {
  FakeClock clock;
  testing::FakeEntropy entropy;
  TestExecutor loop{clock};
  FakeTokenSource source{loop};
  TokenSlot slot{
      SlotKey{.issuer = "https://issuer.example", .client_id = "c1"}, source, loop, clock, entropy,
      SlotOptions{.breaker_first = 0ms, .breaker_max = 0ms}};
  Instant now() const { return {clock.boot_now(), clock.wall_now()}; }
};

TEST(TokenSlotThreads, ReadersSeeGenerationsThatOnlyGrowWhileTokensAreRefused) {
  Home home;
  int serial = 0;
  home.source.on_ask([&] {
    return testing::FakeGrant{.token = "t" + std::to_string(++serial), .lifetime = 300s};
  });
  home.slot.start();
  constexpr uint64_t generations = 200;
  std::atomic<int> running = readers;
  std::atomic<uint64_t> highest_refused = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      TestExecutor loop(home.clock);
      TokenSlot::Reader reader(home.slot, loop);
      uint64_t seen = 0;
      while (seen < generations) {
        loop.run();
        const Token* token = reader.current(home.now());
        if (!token) continue;
        EXPECT_GE(token->generation, seen);
        EXPECT_EQ(token->field_value.unsafe_reveal_text(),
                  "Bearer t" + std::to_string(token->generation));
        seen = token->generation;
        reader.reject(seen);
      }
      uint64_t highest = highest_refused;
      while (highest < seen && !highest_refused.compare_exchange_weak(highest, seen)) {
      }
      --running;
    });
  }
  while (running > 0) home.loop.run();
  threads.clear();
  home.loop.run();
  EXPECT_EQ(static_cast<uint64_t>(serial), highest_refused + 1)
      << "one grant for each refused generation, however many threads refused it";
}

Task<void> wait_once(TokenSlot::Reader& reader, std::atomic<int>& succeeded) {
  const auto result = co_await reader.wait(BootTime::max());
  if (result) ++succeeded;
}

TEST(TokenSlotThreads, WaitersOnEveryThreadAreWokenByOneGrant) {
  Home home;
  home.source.grants("t1", 300s);
  constexpr int waiters = 1000;
  std::atomic<int> succeeded = 0;
  std::vector<std::jthread> threads;
  std::atomic<int> running = readers;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      TestExecutor loop(home.clock);
      TokenSlot::Reader reader(home.slot, loop);
      for (int j = 0; j < waiters; ++j) loop.spawn(wait_once(reader, succeeded));
      while (loop.tasks_running() > 0) loop.run();
      --running;
    });
  }
  while (running > 0) home.loop.run();
  EXPECT_EQ(succeeded, readers * waiters);
  EXPECT_EQ(home.source.asked(), 1);
}

}  // namespace
}  // namespace countersign::consumer
