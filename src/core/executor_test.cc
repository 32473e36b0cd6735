#include "core/executor.h"

#include <algorithm>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/test_executor.h"

namespace countersign {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ExecutorTest : public ::testing::Test {
 protected:
  testing::FakeClock clock;
  testing::TestExecutor executor{clock};
  BootTime at(milliseconds after) const { return start + after; }
  const BootTime start = clock.boot_now();
};

class Recorder final : public Timer {
 public:
  Recorder(std::vector<int>& log, int id) : log_(log), id_(id) {}
  std::function<void()> then;

 private:
  void fire() override {
    log_.push_back(id_);
    if (then) then();
  }
  std::vector<int>& log_;
  int id_;
};

TEST_F(ExecutorTest, FiresTimersInOrderOfTimeThenOfArming) {
  std::vector<int> log;
  Recorder a(log, 1), b(log, 2), c(log, 3), d(log, 4);
  executor.arm(a, at(milliseconds(20)));
  executor.arm(b, at(milliseconds(10)));
  executor.arm(c, at(milliseconds(20)));
  executor.arm(d, at(milliseconds(30)));
  executor.advance(milliseconds(20));
  EXPECT_EQ(log, (std::vector<int>{2, 1, 3}));
  EXPECT_FALSE(a.armed());
  EXPECT_TRUE(d.armed());
  executor.advance(milliseconds(9));
  EXPECT_EQ(log.size(), 3u) << "not before its time";
  executor.advance(milliseconds(1));
  EXPECT_EQ(log.back(), 4);
}

TEST_F(ExecutorTest, MovesATimerThatIsArmedAgain) {
  std::vector<int> log;
  Recorder timer(log, 1);
  executor.arm(timer, at(milliseconds(10)));
  executor.arm(timer, at(milliseconds(50)));
  executor.advance(milliseconds(49));
  EXPECT_TRUE(log.empty());
  executor.advance(milliseconds(1));
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(ExecutorTest, DisarmsTimersByCallAndByDestruction) {
  std::vector<int> log;
  Recorder kept(log, 1);
  {
    Recorder destroyed(log, 2);
    executor.arm(destroyed, at(milliseconds(5)));
    executor.arm(kept, at(milliseconds(5)));
  }
  executor.disarm(kept);
  EXPECT_FALSE(kept.armed());
  executor.disarm(kept);
  executor.advance(seconds(1));
  EXPECT_TRUE(log.empty());
}

TEST_F(ExecutorTest, LetsATimerDisarmAnotherThatIsDue) {
  std::vector<int> log;
  Recorder first(log, 1), second(log, 2);
  first.then = [&] { executor.disarm(second); };
  executor.arm(first, at(milliseconds(5)));
  executor.arm(second, at(milliseconds(5)));
  executor.advance(milliseconds(5));
  EXPECT_EQ(log, std::vector<int>{1});
}

// An executor whose queue is at hand, to see single turns.
class BareExecutor final : public Executor {
 public:
  BootTime now() const override { return now_; }
  WallTime wall_now() const override { return {}; }
  void post(std::move_only_function<void()>) override {}
  void spawn(Task<void>) override {}
  TimerQueue queue;
  BootTime now_{seconds(100)};

 private:
  TimerQueue& timers() override { return queue; }
};

TEST(TimerQueue, DoesNotLetATimerArmedInThePastHoldUpTheOthers) {
  BareExecutor executor;
  std::vector<int> log;
  Recorder greedy(log, 1), patient(log, 2);
  greedy.then = [&] { executor.arm(greedy, BootTime(seconds(1))); };
  executor.arm(greedy, BootTime(seconds(1)));
  executor.arm(patient, BootTime(seconds(100)));
  executor.queue.fire_due(executor.now());
  EXPECT_EQ(log, (std::vector<int>{1, 2})) << "each once a turn";
  executor.queue.fire_due(executor.now());
  EXPECT_EQ(log, (std::vector<int>{1, 2, 1}));
}

TEST(TimerQueue, LetsGoOfItsTimersWhenItIsDestroyed) {
  std::vector<int> log;
  Recorder timer(log, 1);
  {
    BareExecutor executor;
    executor.arm(timer, BootTime(seconds(200)));
    EXPECT_TRUE(timer.armed());
    EXPECT_EQ(executor.queue.size(), 1u);
    EXPECT_EQ(executor.queue.next(), BootTime(seconds(200)));
  }
  EXPECT_FALSE(timer.armed());
}

class Checker final : public Timer {
 public:
  static inline BootTime last_fired{};
  static inline size_t fired = 0;
  static inline bool in_order = true;
  BootTime when{};

 private:
  void fire() override {
    in_order &= last_fired <= when;
    last_fired = when;
    ++fired;
  }
};

TEST(TimerQueue, HoldsAMillionTimers) {
  BareExecutor executor;
  constexpr size_t count = 1'000'000;
  const auto timers = std::make_unique<Checker[]>(count);
  std::minstd_rand random(1);
  const auto some_time = [&] {
    return BootTime(seconds(100) + milliseconds(random() % 1'000'000));
  };
  for (size_t i = 0; i < count; ++i) executor.arm(timers[i], timers[i].when = some_time());
  EXPECT_EQ(executor.queue.size(), count);
  for (size_t i = 0; i < count; i += 2) executor.arm(timers[i], timers[i].when = some_time());
  for (size_t i = 0; i < count; i += 4) executor.disarm(timers[i]);
  EXPECT_EQ(executor.queue.size(), count - count / 4);

  for (int second = 0; second < 1000; second += 10) {
    executor.now_ = BootTime(seconds(100 + second));
    executor.queue.fire_due(executor.now_);
    EXPECT_GT(executor.queue.next(), executor.now_);
  }
  executor.now_ = BootTime(seconds(1100));
  executor.queue.fire_due(executor.now_);
  EXPECT_EQ(Checker::fired, count - count / 4);
  EXPECT_TRUE(Checker::in_order);
  EXPECT_EQ(executor.queue.next(), BootTime::max());
}

TEST_F(ExecutorTest, RunsPostedWorkInOrderAlsoFromOtherThreads) {
  std::vector<int> log;
  executor.post([&] { log.push_back(1); });
  std::thread([&] {
    executor.post([&] { log.push_back(2); });
    executor.post([&] { log.push_back(3); });
  }).join();
  EXPECT_TRUE(log.empty()) << "nothing runs inside post()";
  executor.run();
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3}));
}

Task<void> sleeps(Executor& executor, milliseconds duration, std::vector<int>& log, int id) {
  co_await sleep_for(executor, duration);
  log.push_back(id);
}

TEST_F(ExecutorTest, WakesSleepers) {
  std::vector<int> log;
  executor.spawn(sleeps(executor, milliseconds(20), log, 2));
  executor.spawn(sleeps(executor, milliseconds(10), log, 1));
  executor.spawn(sleeps(executor, milliseconds(0), log, 0));
  EXPECT_EQ(log, std::vector<int>{0}) << "what is due does not wait";
  executor.advance(milliseconds(15));
  EXPECT_EQ(log, (std::vector<int>{0, 1}));
  executor.advance(milliseconds(5));
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(executor.tasks_running(), 0u);
}

TEST_F(ExecutorTest, ForgetsASleeperThatIsCancelled) {
  std::vector<int> log;
  {
    auto task = sleeps(executor, milliseconds(10), log, 1);
    task.start();
  }
  executor.advance(seconds(1));
  EXPECT_TRUE(log.empty());
}

Task<void> waits_for(Event& event, BootTime deadline, std::vector<bool>& log) {
  log.push_back(co_await event.wait(deadline));
}

TEST_F(ExecutorTest, WakesAllWhoWaitForAnEventAndNotInsideSet) {
  Event event(executor);
  std::vector<bool> log;
  executor.spawn(waits_for(event, BootTime::max(), log));
  executor.spawn(waits_for(event, at(seconds(10)), log));
  event.set();
  EXPECT_TRUE(log.empty());
  executor.run();
  EXPECT_EQ(log, (std::vector<bool>{true, true}));
  executor.spawn(waits_for(event, BootTime::max(), log));
  EXPECT_EQ(log.size(), 3u) << "a set event does not make wait";
  event.reset();
  EXPECT_FALSE(event.is_set());
  executor.spawn(waits_for(event, BootTime::max(), log));
  executor.advance(seconds(100));
  EXPECT_EQ(log.size(), 3u);
}

TEST_F(ExecutorTest, EndsAWaitAtItsDeadline) {
  Event event(executor);
  std::vector<bool> log;
  executor.spawn(waits_for(event, at(milliseconds(10)), log));
  executor.spawn(waits_for(event, at(milliseconds(-10)), log));
  executor.advance(milliseconds(9));
  EXPECT_EQ(log, std::vector<bool>{false});
  executor.advance(milliseconds(1));
  EXPECT_EQ(log, (std::vector<bool>{false, false}));
  event.set();
  executor.run();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(ExecutorTest, PrefersTheEventToADeadlineAtTheSameTime) {
  Event event(executor);
  std::vector<bool> log;
  executor.spawn(waits_for(event, at(milliseconds(10)), log));
  clock.advance(milliseconds(10));
  event.set();
  executor.run();
  EXPECT_EQ(log, std::vector<bool>{true});
}

TEST_F(ExecutorTest, TellsWaitersThatTheEventIsGone) {
  std::vector<bool> log;
  {
    Event event(executor);
    executor.spawn(waits_for(event, BootTime::max(), log));
  }
  executor.run();
  EXPECT_EQ(log, std::vector<bool>{false});
}

TEST_F(ExecutorTest, ForgetsAWaiterThatIsCancelledBeforeOrAfterTheEvent) {
  Event event(executor);
  std::vector<bool> log;
  {
    auto before = waits_for(event, at(seconds(1)), log);
    before.start();
  }
  auto after = waits_for(event, at(seconds(1)), log);
  after.start();
  event.set();
  after = {};
  executor.advance(seconds(2));
  EXPECT_TRUE(log.empty());
}

}  // namespace
}  // namespace countersign
