#include "net/deadline_wheel.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Item final : Deadlined {
  void deadline_passed() override { ++passed; }
  int passed = 0;
};

const BootTime start(hours(1));

TEST(LinkedList, KeepsOrderAndForgetsWhatIsDestroyed) {
  struct Number final : Linked {
    explicit Number(int v) : value(v) {}
    int value;
  };
  LinkedList<Number> list;
  Number one(1);
  auto two = std::make_unique<Number>(2);
  Number three(3);
  list.push_back(one);
  list.push_back(*two);
  list.push_back(three);
  two.reset();
  EXPECT_EQ(list.pop_front().value, 1);
  EXPECT_FALSE(one.linked());
  EXPECT_EQ(list.pop_front().value, 3);
  EXPECT_TRUE(list.empty());
}

TEST(LinkedList, TakesAllOfAnother) {
  struct Number final : Linked {};
  Number a, b, c;
  LinkedList<Number> first, second;
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.take_all(second);
  EXPECT_TRUE(second.empty());
  EXPECT_EQ(&first.pop_front(), &a);
  EXPECT_EQ(&first.pop_front(), &b);
  EXPECT_EQ(&first.pop_front(), &c);
  EXPECT_TRUE(first.empty());
}

TEST(DeadlineWheel, NeverFiresEarlyAndAtMostAGranularityLate) {
  for (const auto in : {milliseconds(1), milliseconds(99), milliseconds(100), milliseconds(101),
                        milliseconds(51'000), milliseconds(75'000), milliseconds(300'000)}) {
    DeadlineWheel wheel(start);
    Item item;
    wheel.set(item, start + in);
    BootTime now = start;
    while (item.passed == 0) {
      ASSERT_LE(now, start + in + DeadlineWheel::granularity);
      now += milliseconds(7);
      wheel.sweep(now);
    }
    EXPECT_GE(now, start + in);
    wheel.sweep(now + hours(1));
    EXPECT_EQ(item.passed, 1);
  }
}

TEST(DeadlineWheel, FollowsADeadlineThatMovesEitherWay) {
  DeadlineWheel wheel(start);
  Item later, sooner, never;
  wheel.set(later, start + seconds(1));
  wheel.set(later, start + seconds(5));
  wheel.set(sooner, start + seconds(5));
  wheel.set(sooner, start + seconds(1));
  wheel.set(never, start + seconds(1));
  wheel.set(never, BootTime::max());
  wheel.sweep(start + seconds(2));
  EXPECT_EQ(later.passed, 0);
  EXPECT_EQ(sooner.passed, 1);
  wheel.sweep(start + seconds(6));
  EXPECT_EQ(later.passed, 1);
  EXPECT_EQ(sooner.passed, 1);
  EXPECT_EQ(never.passed, 0);
  EXPECT_EQ(wheel.next(), BootTime::max());
}

TEST(DeadlineWheel, SaysWhenItMustBeSweptNext) {
  DeadlineWheel wheel(start);
  EXPECT_EQ(wheel.next(), BootTime::max());
  Item item;
  wheel.set(item, start + milliseconds(250));
  EXPECT_EQ(wheel.next(), start + milliseconds(300));
  Item sooner;
  wheel.set(sooner, start + milliseconds(120));
  EXPECT_EQ(wheel.next(), start + milliseconds(200));
  wheel.sweep(start + milliseconds(200));
  EXPECT_EQ(wheel.next(), start + milliseconds(300));
}

TEST(DeadlineWheel, SurvivesAClockThatLeapsAndItemsThatGo) {
  DeadlineWheel wheel(start);
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 10'000; ++i) {
    items.push_back(std::make_unique<Item>());
    wheel.set(*items.back(), start + milliseconds(i * 10));
  }
  for (size_t i = 0; i < items.size(); i += 2) items[i].reset();
  wheel.sweep(start + hours(10));
  for (size_t i = 1; i < items.size(); i += 2) EXPECT_EQ(items[i]->passed, 1);
}

TEST(DeadlineWheel, APastDeadlinePassesWithTheNextSweep) {
  DeadlineWheel wheel(start);
  Item item;
  wheel.set(item, start - seconds(10));
  wheel.sweep(start + DeadlineWheel::granularity);
  EXPECT_EQ(item.passed, 1);
}

}  // namespace
}  // namespace countersign::net
