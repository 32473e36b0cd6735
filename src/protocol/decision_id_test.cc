#include "protocol/decision_id.h"

#include <set>

#include <gtest/gtest.h>

#include "support/fake_clock.h"
#include "support/fake_entropy.h"

namespace countersign::protocol {
namespace {

TEST(DecisionId, HasTwentySixCharactersThatParse) {
  testing::FakeEntropy entropy;
  DecisionIds ids(entropy);
  const DecisionId id = ids.next(testing::FakeClock().wall_now());
  EXPECT_EQ(id.text().size(), 26u);
  EXPECT_EQ(DecisionId::parse(id.text()), id);
}

TEST(DecisionId, TellsItsTimeToTheMillisecond) {
  testing::FakeEntropy entropy;
  DecisionIds ids(entropy);
  const WallTime now(std::chrono::microseconds(1'800'000'000'123'999));
  EXPECT_EQ(ids.next(now).time(), WallTime(std::chrono::microseconds(1'800'000'000'123'000)));
}

TEST(DecisionId, SortsByTime) {
  testing::FakeEntropy entropy;
  DecisionIds ids(entropy);
  testing::FakeClock clock;
  const DecisionId first = ids.next(clock.wall_now());
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_LT(first, ids.next(clock.wall_now()));
}

TEST(DecisionId, DoesNotRepeatWithinOneMillisecond) {
  testing::FakeEntropy entropy;
  DecisionIds ids(entropy);
  const WallTime now = testing::FakeClock().wall_now();
  std::set<DecisionId> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(ids.next(now)).second);
}

TEST(DecisionId, ParsesItsOwnSpellingOnly) {
  EXPECT_TRUE(DecisionId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").has_value());
  EXPECT_TRUE(DecisionId::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").has_value());
  EXPECT_FALSE(DecisionId::parse("8ZZZZZZZZZZZZZZZZZZZZZZZZZ").has_value());
  EXPECT_FALSE(DecisionId::parse("01arz3ndektsv4rrffq69g5fav").has_value());
  EXPECT_FALSE(DecisionId::parse("01ARZ3NDEKTSV4RRFFQ69G5FA").has_value());
  EXPECT_FALSE(DecisionId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAVX").has_value());
  EXPECT_FALSE(DecisionId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAU").has_value());
  EXPECT_FALSE(DecisionId::parse("").has_value());
}

TEST(DecisionId, IsAllZerosByDefault) {
  EXPECT_EQ(DecisionId().to_string(), std::string(26, '0'));
}

}  // namespace
}  // namespace countersign::protocol
