#include "protocol/token_id.h"

#include <gtest/gtest.h>

#include "core/bytes.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"

namespace countersign::protocol {
namespace {

TEST(TokenId, RoundTripsTimeToTheMicrosecond) {
  testing::FakeEntropy entropy;
  const WallTime now(std::chrono::microseconds(1'800'000'000'123'456));
  const TokenId id = TokenId::make(now, entropy);
  const std::string text = id.to_string();
  EXPECT_EQ(text.size(), token_id_chars);
  const auto parsed = TokenId::parse(text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, id);
  EXPECT_EQ(parsed->issued_at, now);
}

TEST(TokenId, DiffersWithinOneMicrosecond) {
  testing::FakeEntropy entropy;
  const WallTime now = testing::FakeClock().wall_now();
  EXPECT_NE(TokenId::make(now, entropy), TokenId::make(now, entropy));
}

TEST(TokenId, SortsByTimeAsBytes) {
  testing::FakeEntropy entropy;
  const WallTime now = testing::FakeClock().wall_now();
  const auto early = decode_base64url(TokenId::make(now, entropy).to_string()).value();
  const auto late =
      decode_base64url(TokenId::make(now + std::chrono::microseconds(1), entropy).to_string())
          .value();
  EXPECT_LT(early, late);
}

TEST(TokenId, RefusesWhatToStringWouldNotWrite) {
  testing::FakeEntropy entropy;
  const std::string good = TokenId::make(testing::FakeClock().wall_now(), entropy).to_string();
  EXPECT_FALSE(TokenId::parse("").has_value());
  EXPECT_FALSE(TokenId::parse(good.substr(1)).has_value());
  EXPECT_FALSE(TokenId::parse(good + "A").has_value());
  EXPECT_FALSE(TokenId::parse(std::string(token_id_chars, '=')).has_value());
  EXPECT_FALSE(TokenId::parse(std::string(token_id_chars, '/')).has_value());
  // The sign bit of the time is set.
  EXPECT_EQ(TokenId::parse("_" + good.substr(1)).error().code, "token_id.malformed");
}

TEST(TokenId, AcceptsTheFirstAndTheLastTime) {
  TokenId id;
  EXPECT_EQ(TokenId::parse(id.to_string()).value(), id);
  id.issued_at = WallTime(std::chrono::microseconds(INT64_MAX));
  EXPECT_EQ(TokenId::parse(id.to_string()).value(), id);
}

}  // namespace
}  // namespace countersign::protocol
