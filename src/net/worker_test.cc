// The worker under a real loop, and the resolver on top of it.

#include "core/worker.h"

#include <future>

#include <gtest/gtest.h>

#include "net/resolver.h"
#include "support/fake_clock.h"
#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::make_loop;

Task<Result<int>> ask(Worker& worker, Loop& loop, std::move_only_function<Result<int>()> work,
                      BootTime deadline = BootTime::max()) {
  co_return co_await run_on<int>(worker, loop, std::move(work), deadline);
}

// Keeps a worker's thread busy until it is released.
class Gate final {
 public:
  std::move_only_function<Result<int>()> work() {
    return [this]() -> Result<int> {
      entered_.set_value();
      released_.get_future().wait();
      return 1;
    };
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void release() { released_.set_value(); }

 private:
  std::promise<void> entered_, released_;
};

TEST(Worker, RunsOnItsOwnThreadAndResumesOnTheLoops) {
  const auto loop = make_loop();
  Worker worker({});
  const auto here = std::this_thread::get_id();
  std::thread::id ran_on;
  const auto answer = loop->run_until_done(ask(worker, *loop, [&]() -> Result<int> {
    ran_on = std::this_thread::get_id();
    return 7;
  }));
  EXPECT_EQ(*answer, 7);
  EXPECT_NE(ran_on, here);
}

TEST(Worker, PassesErrorsOn) {
  const auto loop = make_loop();
  Worker worker({});
  const auto answer = loop->run_until_done(ask(worker, *loop, []() -> Result<int> {
    return fail(ErrorKind::conflict, "test.conflict", "no");
  }));
  EXPECT_EQ(answer.error().code, "test.conflict");
}

TEST(Worker, TheWaitingTaskMayBeDestroyedWhileTheWorkRuns) {
  const auto loop = make_loop();
  Gate gate;
  Worker worker({});
  {
    auto asking = ask(worker, *loop, gate.work());
    asking.start();
    gate.wait_until_entered();
  }
  gate.release();
  EXPECT_EQ(*loop->run_until_done(ask(worker, *loop, []() -> Result<int> { return 2; })), 2);
}

TEST(Worker, TheWaitingTaskMayBeDestroyedBeforeItsResultArrives) {
  const auto loop = make_loop();
  Worker worker({});
  {
    auto asking = ask(worker, *loop, []() -> Result<int> { return 1; });
    asking.start();
    // The first work is done when the second one is; its result is posted, but has not been taken.
    std::promise<void> done;
    ASSERT_TRUE(worker.submit([&] { done.set_value(); }));
    done.get_future().wait();
  }
  loop->turn(false);
}

TEST(Worker, TheLoopMayBeDestroyedWhileTheWorkRuns) {
  Gate gate;
  Worker worker({});
  {
    const auto loop = make_loop();
    loop->spawn([](Worker& on, Loop& from, Gate& at) -> Task<void> {
      co_await ask(on, from, at.work());
    }(worker, *loop, gate));
    gate.wait_until_entered();
  }
  gate.release();
}

TEST(Worker, RefusesMoreThanItsQueueHolds) {
  const auto loop = make_loop();
  Gate gate;
  Worker worker({.threads = 1, .queue_max = 1});
  auto running = ask(worker, *loop, gate.work());
  running.start();
  gate.wait_until_entered();
  auto queued = ask(worker, *loop, []() -> Result<int> { return 2; });
  queued.start();
  const auto refused = loop->run_until_done(ask(worker, *loop, []() -> Result<int> { return 3; }));
  EXPECT_EQ(refused.error().code, "core.worker_busy");
  gate.release();
  testing::turn_until(*loop, [&] { return running.done() && queued.done(); });
  EXPECT_EQ(*queued.take_result(), 2);
}

TEST(Worker, AWaitEndsAtItsDeadlineThoughTheWorkGoesOn) {
  const auto loop = make_loop();
  Gate gate;
  Worker worker({});
  const auto late =
      loop->run_until_done(ask(worker, *loop, gate.work(), loop->now() + milliseconds(1)));
  EXPECT_EQ(late.error().code, "core.worker_timeout");
  gate.wait_until_entered();
  gate.release();
  EXPECT_EQ(*loop->run_until_done(ask(worker, *loop, []() -> Result<int> { return 2; })), 2);
}

TEST(Worker, ADestroyedWorkerGivesUpWhatStillWaits) {
  const auto loop = make_loop();
  Gate gate;
  auto worker = std::make_unique<Worker>(Worker::Options{});
  auto running = ask(*worker, *loop, gate.work());
  running.start();
  gate.wait_until_entered();
  // The work under way ends only once the waiting work has been dropped.
  auto queued = ask(*worker, *loop, [owner = std::shared_ptr<Gate>(&gate, [](Gate* held) {
                                       held->release();
                                     })]() -> Result<int> { return 2; });
  queued.start();
  worker.reset();
  testing::turn_until(*loop, [&] { return running.done() && queued.done(); });
  EXPECT_EQ(*running.take_result(), 1);
  const auto given_up = queued.take_result();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, "core.worker_stopped");
}

class ResolverTest : public ::testing::Test {
 protected:
  Result<Addresses> resolve(const std::string& host) {
    return loop_->run_until_done(resolver_.resolve(*loop_, host, BootTime::max()));
  }
  std::unique_ptr<Loop> loop_ = make_loop();
  testing::FakeClock clock_;
  std::atomic<int> look_ups_ = 0;
  std::atomic<bool> fails_ = false;
  Resolver resolver_{clock_, {.look_up = [this](const std::string& host) -> Result<Addresses> {
                       ++look_ups_;
                       if (fails_) {
                         return fail(ErrorKind::unavailable, "net.resolve_failed", "no address",
                                     host);
                       }
                       return Addresses{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("::1")};
                     }}};
};

TEST_F(ResolverTest, AddressesNeedNoLookUp) {
  EXPECT_EQ(resolve("192.0.2.7")->front().to_string(), "192.0.2.7");
  EXPECT_EQ(resolve("2001:db8::1")->front().to_string(), "2001:db8::1");
  EXPECT_EQ(look_ups_, 0);
}

TEST_F(ResolverTest, KeepsOrderAndRemembersForItsTime) {
  EXPECT_EQ(resolve("upstream")->front().to_string(), "192.0.2.1");
  EXPECT_EQ(resolve("upstream")->size(), 2u);
  EXPECT_EQ(look_ups_, 1);
  clock_.advance(seconds(10) - std::chrono::nanoseconds(1));
  EXPECT_TRUE(resolve("upstream"));
  EXPECT_EQ(look_ups_, 1);
  clock_.advance(std::chrono::nanoseconds(1));
  EXPECT_TRUE(resolve("upstream"));
  EXPECT_EQ(look_ups_, 2);
}

TEST_F(ResolverTest, RemembersFailuresForAShorterTime) {
  fails_ = true;
  EXPECT_EQ(resolve("upstream").error().code, "net.resolve_failed");
  EXPECT_EQ(resolve("upstream").error().code, "net.resolve_failed");
  EXPECT_EQ(look_ups_, 1);
  fails_ = false;
  clock_.advance(seconds(1));
  EXPECT_TRUE(resolve("upstream"));
}

TEST_F(ResolverTest, ManyWhoAskAtOnceCauseOneLookUp) {
  std::vector<Task<Result<Addresses>>> asking;
  for (int i = 0; i < 50; ++i) {
    asking.push_back(resolver_.resolve(*loop_, "upstream", BootTime::max()));
    asking.back().start();
  }
  testing::turn_until(*loop_, [&] {
    return std::ranges::all_of(asking, [](const auto& task) { return task.done(); });
  });
  EXPECT_EQ(look_ups_, 1);
}

TEST(LookUp, KnowsLocalhostAndNotWhatCannotExist) {
  const auto localhost = look_up("localhost");
  ASSERT_TRUE(localhost) << localhost.error().for_log();
  EXPECT_TRUE(localhost->front().is_loopback());
  const auto nobody = look_up("no-such-host.invalid");  // RFC 6761 §6.4
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, "net.resolve_failed");
}

}  // namespace
}  // namespace countersign::net
