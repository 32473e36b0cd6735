#include "core/task.h"

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/result.h"

namespace countersign {
namespace {

// Resumed by hand; takes itself off when it is destroyed.
class Gate {
 public:
  struct Awaiter {
    explicit Awaiter(Gate& g) : gate(g) {}
    Awaiter(const Awaiter&) = delete;
    ~Awaiter() {
      if (gate.waiting_ == handle) gate.waiting_ = {};
    }
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) { gate.waiting_ = handle = h; }
    void await_resume() const {}
    Gate& gate;
    std::coroutine_handle<> handle;
  };
  Awaiter wait() { return Awaiter(*this); }
  bool waited_for() const { return static_cast<bool>(waiting_); }
  void open() { std::exchange(waiting_, {}).resume(); }

 private:
  std::coroutine_handle<> waiting_;
};

struct Counted {
  explicit Counted(int& count) : alive(count) { ++alive; }
  Counted(const Counted& other) : alive(other.alive) { ++alive; }
  ~Counted() { --alive; }
  int& alive;
};

Task<int> one() {
  co_return 1;
}
Task<int> add(int a, int b) {
  const int x = co_await one();
  co_return a + b + x;
}

TEST(Task, GivesItsResultToTheOneWhoAwaits) {
  Task<int> task = add(2, 3);
  EXPECT_FALSE(task.done()) << "it starts when it is started";
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take_result(), 6);
}

Task<std::unique_ptr<int>> move_only() {
  co_return std::make_unique<int>(5);
}
Task<void> take(int& out) {
  out = *co_await move_only();
}

TEST(Task, MovesItsResult) {
  int out = 0;
  Task<void> task = take(out);
  task.start();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(out, 5);
}

Task<Result<int>> failing() {
  co_return fail(ErrorKind::conflict, "a.b", "text");
}
Task<Result<std::string>> passes_on(std::vector<std::string>& trace) {
  trace.push_back("before");
  CS_CO_TRY(const int value, co_await failing());
  trace.push_back("after");
  co_return std::to_string(value);
}

TEST(Task, PassesErrorsOn) {
  std::vector<std::string> trace;
  auto task = passes_on(trace);
  task.start();
  ASSERT_TRUE(task.done());
  const auto result = task.take_result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "a.b");
  EXPECT_EQ(trace, std::vector<std::string>{"before"});
}

Task<void> waits(Gate& gate, Counted counted, bool& finished) {
  const Counted inner = counted;
  co_await gate.wait();
  finished = true;
}
Task<void> waits_outside(Gate& gate, Counted counted, bool& finished) {
  co_await waits(gate, counted, finished);
}

TEST(Task, ResumesWhereItWaited) {
  Gate gate;
  int alive = 0;
  bool finished = false;
  auto task = waits_outside(gate, Counted(alive), finished);
  task.start();
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(gate.waited_for());
  gate.open();
  EXPECT_TRUE(finished);
  EXPECT_TRUE(task.done());
  task = {};
  EXPECT_EQ(alive, 0);
}

TEST(Task, IsCancelledByDestruction) {
  Gate gate;
  int alive = 0;
  bool finished = false;
  {
    auto task = waits_outside(gate, Counted(alive), finished);
    task.start();
    EXPECT_GT(alive, 0);
  }
  EXPECT_EQ(alive, 0) << "everything in the frames is destroyed once";
  EXPECT_FALSE(gate.waited_for()) << "the awaiter took itself off";
  EXPECT_FALSE(finished);
}

TEST(Task, ThatNeverStartedIsDestroyedToo) {
  Gate gate;
  int alive = 0;
  bool finished = false;
  {
    auto task = waits(gate, Counted(alive), finished);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Task, CanBeMovedWhileItWaits) {
  Gate gate;
  int alive = 0;
  bool finished = false;
  auto task = waits(gate, Counted(alive), finished);
  task.start();
  std::vector<Task<void>> tasks;
  tasks.push_back(std::move(task));
  EXPECT_TRUE(task.done()) << "nothing is left here";
  gate.open();
  EXPECT_TRUE(tasks.front().done());
}

Task<int> depth(int left) {
  if (left == 0) co_return 0;
  const int below = co_await depth(left - 1);
  co_return below + 1;
}

TEST(Task, NestsDeeply) {
  auto task = depth(1000);
  task.start();
  EXPECT_EQ(task.take_result(), 1000);
}

Task<int> big_frame(int seed) {
  std::array<int, 4096> values{};
  values.fill(seed);
  values[static_cast<size_t>(seed)] += co_await one();
  int sum = 0;
  for (const int value : values) sum += value;
  co_return sum;
}

TEST(Task, TakesFramesOfAnySize) {
  for (int round = 0; round < 200; ++round) {
    auto task = big_frame(2);
    task.start();
    EXPECT_EQ(task.take_result(), 2 * 4096 + 1);
  }
}

struct Aggregate {
  std::string name;
  int value = 0;
};
Task<size_t> takes_aggregate(Aggregate aggregate) {
  co_return aggregate.name.size() + static_cast<size_t>(aggregate.value);
}
Task<size_t> awaits_aggregate(std::string text) {
  const auto twice = [text](size_t n) { return n + text.size(); };
  co_return twice(co_await takes_aggregate({.name = text, .value = 1}));
}

TEST(Task, DestroysAwaitedTemporariesOnce) {
  auto task = awaits_aggregate(std::string(100, 'x'));
  task.start();
  EXPECT_EQ(task.take_result(), 201u);
}

TEST(TaskFrames, AreReusableInAnyOrder) {
  std::vector<std::pair<void*, size_t>> frames;
  for (size_t size = 1; size < 6000; size += 61) {
    void* frame = task_detail::allocate_frame(size);
    std::memset(frame, 0xab, size);
    frames.emplace_back(frame, size);
  }
  for (const auto& [frame, size] : frames) task_detail::free_frame(frame, size);
  for (auto& [frame, size] : frames) {
    frame = task_detail::allocate_frame(size);
    std::memset(frame, 0xcd, size);
  }
  for (const auto& [frame, size] : frames) task_detail::free_frame(frame, size);
}

}  // namespace
}  // namespace countersign
