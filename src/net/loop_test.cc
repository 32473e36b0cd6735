#include "net/loop.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::make_loop;

TEST(Loop, RunsPostedWorkInOrder) {
  const auto loop = make_loop();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    loop->post([&order, i] { order.push_back(i); });
  }
  loop->turn(true);
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(Loop, WhatIsPostedMeanwhileWaitsForTheNextTurn) {
  const auto loop = make_loop();
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    loop->post(again);
  };
  loop->post(again);
  loop->turn(true);
  EXPECT_EQ(runs, 1);
  loop->turn(true);
  EXPECT_EQ(runs, 2);
}

TEST(Loop, PostsFromOtherThreadsAllArriveAndWakeIt) {
  const auto loop = make_loop();
  constexpr int threads = 4, each = 2000;
  int arrived = 0;
  std::vector<std::thread> posting;
  for (int i = 0; i < threads; ++i) {
    posting.emplace_back([&] {
      for (int n = 0; n < each; ++n) {
        loop->post([&] {
          if (++arrived == threads * each) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (auto& thread : posting) thread.join();
  EXPECT_EQ(arrived, threads * each);
}

TEST(Loop, StopsFromAnotherThreadAndRunsAgain) {
  const auto loop = make_loop();
  for (int i = 0; i < 3; ++i) {
    std::thread stopping([&] { loop->stop(); });
    loop->run();
    stopping.join();
  }
  bool ran = false;
  loop->post([&] {
    ran = true;
    loop->stop();
  });
  loop->run();
  EXPECT_TRUE(ran);
}

struct CountingTimer final : Timer {
  explicit CountingTimer(std::vector<int>& into, int number) : fired(into), id(number) {}
  void fire() override { fired.push_back(id); }
  std::vector<int>& fired;
  int id;
};

TEST(Loop, FiresTimersInOrderOfTime) {
  const auto loop = make_loop();
  std::vector<int> fired;
  CountingTimer late(fired, 2), early(fired, 1), never(fired, 3);
  loop->arm(late, loop->now() + milliseconds(4));
  loop->arm(early, loop->now() + milliseconds(2));
  loop->arm(never, loop->now() + milliseconds(3));
  loop->disarm(never);
  testing::turn_until(*loop, [&] { return fired.size() == 2; });
  EXPECT_EQ(fired, (std::vector{1, 2}));
}

TEST(Loop, KeepsAMillionTimers) {
  const auto loop = make_loop();
  struct Silent final : Timer {
    void fire() override { ++*count; }
    size_t* count = nullptr;
  };
  size_t fired = 0;
  std::vector<Silent> timers(1'000'000);
  const BootTime now = loop->now();
  for (size_t i = 0; i < timers.size(); ++i) {
    timers[i].count = &fired;
    // Spread, and not in order; the odd ones far away.
    const auto in = i % 2 == 0 ? milliseconds((i * 7919) % 50) : milliseconds(hours(1));
    loop->arm(timers[i], now + in);
  }
  for (size_t i = 0; i < timers.size(); i += 4) loop->disarm(timers[i]);
  testing::turn_until(*loop, [&] { return fired == timers.size() / 4; });
  loop->turn(false);
  EXPECT_EQ(fired, timers.size() / 4);
}

TEST(Loop, AnArmedTimerMayDieWithoutDisarming) {
  const auto loop = make_loop();
  std::vector<int> fired;
  {
    CountingTimer timer(fired, 1);
    loop->arm(timer, loop->now());
  }
  loop->turn(false);
  EXPECT_TRUE(fired.empty());
}

Task<void> wait_and_count(Event& event, int& done) {
  co_await event.wait();
  ++done;
}

struct Mark {
  std::vector<int>* order;
  int id;
  ~Mark() { order->push_back(id); }
};
Task<void> hold(Event& event, std::vector<int>& order, int id) {
  const Mark mark{&order, id};
  co_await event.wait();
}

TEST(Loop, SpawnedTasksRunAtOnceAndAreForgottenWhenDone) {
  const auto loop = make_loop();
  Event event(*loop);
  int done = 0;
  for (int i = 0; i < 100; ++i) loop->spawn(wait_and_count(event, done));
  EXPECT_EQ(loop->tasks_running(), 100u);
  event.set();
  testing::turn_until(*loop, [&] { return done == 100; });
  EXPECT_EQ(loop->tasks_running(), 0u);
}

TEST(Loop, DestroysWaitingTasksLatestFirst) {
  std::vector<int> order;
  auto loop = make_loop();
  auto event = std::make_unique<Event>(*loop);
  for (int i = 0; i < 3; ++i) loop->spawn(hold(*event, order, i));
  loop->cancel_tasks();
  EXPECT_EQ(order, (std::vector{2, 1, 0}));
  EXPECT_EQ(loop->tasks_running(), 0u);
}

TEST(Loop, DroppedPostsAreDestroyedWithIt) {
  const auto value = std::make_shared<int>(1);
  {
    const auto loop = make_loop();
    loop->post([value] {});
    loop->at_end_of_turn([value] {});
    EXPECT_EQ(value.use_count(), 3);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Loop, EndOfTurnWorkRunsOnceAfterEverythingElse) {
  const auto loop = make_loop();
  std::vector<std::string> order;
  loop->post([&] {
    loop->at_end_of_turn([&] { order.emplace_back("end"); });
    order.emplace_back("first");
  });
  loop->post([&] { order.emplace_back("second"); });
  loop->turn(true);
  loop->turn(false);
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "end"}));
}

TEST(Loop, EndOfTurnWorkAddedAtTheEndOfATurnIsNotForgotten) {
  const auto loop = make_loop();
  int runs = 0;
  loop->at_end_of_turn([&] {
    ++runs;
    loop->at_end_of_turn([&] { ++runs; });
  });
  loop->turn(true);
  EXPECT_EQ(runs, 1);
  loop->turn(true);  // does not wait for anything else
  EXPECT_EQ(runs, 2);
}

Task<int> sleep_then_answer(Loop& loop) {
  co_await sleep_for(loop, milliseconds(2));
  co_return 42;
}

TEST(Loop, RunsATaskToItsEnd) {
  const auto loop = make_loop();
  EXPECT_EQ(loop->run_until_done(sleep_then_answer(*loop)), 42);
}

TEST(Loop, ADestroyedSleeperIsNotResumed) {
  const auto loop = make_loop();
  {
    Task<int> sleeping = sleep_then_answer(*loop);
    sleeping.start();
  }
  EXPECT_EQ(loop->run_until_done(sleep_then_answer(*loop)), 42);
}

}  // namespace
}  // namespace countersign::net
