#include "core/token_bucket.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/rate_limit_text.h"

namespace countersign {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RateLimit ten_a_second{.requests = 10, .window = seconds(1), .burst = 10};
const BootTime start{std::chrono::hours(1)};

int take_all(TokenBucket& bucket, const RateLimit& limit, BootTime now) {
  int taken = 0;
  while (bucket.take(limit, now).taken) ++taken;
  return taken;
}

TEST(TokenBucket, BeginsFullAndRefillsEvenly) {
  TokenBucket bucket;
  EXPECT_EQ(take_all(bucket, ten_a_second, start), 10);
  EXPECT_EQ(take_all(bucket, ten_a_second, start + milliseconds(99)), 0);
  EXPECT_EQ(take_all(bucket, ten_a_second, start + milliseconds(100)), 1);
  EXPECT_EQ(take_all(bucket, ten_a_second, start + milliseconds(350)), 2);
  EXPECT_EQ(take_all(bucket, ten_a_second, start + seconds(60)), 10) << "never more than a bucket";
}

TEST(TokenBucket, TellsWhatIsLeftAndWhenThereIsMore) {
  TokenBucket bucket;
  TokenBucket::Outcome first = bucket.take(ten_a_second, start);
  EXPECT_TRUE(first.taken);
  EXPECT_EQ(first.remaining, 9u);
  EXPECT_EQ(first.until_next, seconds(0));
  EXPECT_EQ(first.until_full, milliseconds(100));
  take_all(bucket, ten_a_second, start);
  const TokenBucket::Outcome refused = bucket.take(ten_a_second, start + milliseconds(30));
  EXPECT_FALSE(refused.taken);
  EXPECT_EQ(refused.remaining, 0u);
  EXPECT_EQ(refused.until_next, milliseconds(70));
  EXPECT_EQ(refused.until_full, milliseconds(970));
}

TEST(TokenBucket, ARefusalCostsNothing) {
  TokenBucket bucket;
  take_all(bucket, ten_a_second, start);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(bucket.take(ten_a_second, start).taken);
  EXPECT_TRUE(bucket.take(ten_a_second, start + milliseconds(100)).taken);
}

TEST(TokenBucket, TakesBackWhatWasNotUsed) {
  TokenBucket bucket;
  take_all(bucket, ten_a_second, start);
  bucket.give_back(ten_a_second);
  EXPECT_EQ(take_all(bucket, ten_a_second, start), 1);
}

TEST(TokenBucket, ABurstOfOneSpreadsRequests) {
  constexpr RateLimit limit{.requests = 10, .window = seconds(1), .burst = 1};
  TokenBucket bucket;
  EXPECT_TRUE(bucket.take(limit, start).taken);
  EXPECT_FALSE(bucket.take(limit, start + milliseconds(99)).taken);
  EXPECT_TRUE(bucket.take(limit, start + milliseconds(100)).taken);
}

TEST(TokenBucket, IsExactOverAllThreads) {
  constexpr RateLimit limit{.requests = 5000, .window = seconds(60), .burst = 5000};
  TokenBucket bucket;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5000; ++j) taken += bucket.take(limit, start).taken ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 5000);
}

TEST(TokenBucket, FollowsTheBucketOfAnEarlierRecord) {
  TokenBucket old;
  take_all(old, ten_a_second, start);
  TokenBucket next;
  next.follow(old);
  EXPECT_FALSE(next.take(ten_a_second, start).taken);
}

TEST(RateLimitText, ReadsWhatPeopleWrite) {
  const RateLimit plain = parse_rate_limit("100/s").value();
  EXPECT_EQ(plain, (RateLimit{100, seconds(1), 100}));
  EXPECT_EQ(parse_rate_limit("6000/m").value(), (RateLimit{6000, seconds(60), 6000}));
  EXPECT_EQ(parse_rate_limit("100/10s").value(), (RateLimit{100, seconds(10), 100}));
  EXPECT_EQ(parse_rate_limit("50/s burst 200").value(), (RateLimit{50, seconds(1), 200}));
  EXPECT_EQ(parse_rate_limit("1/1d").value(), (RateLimit{1, std::chrono::hours(24), 1}));
}

TEST(RateLimitText, RefusesWhatIsNone) {
  for (const char* text : {"", "100", "/s", "100/", "100/x", "-1/s", "1e3/s", "100/s burst",
                           "100/s burst ", "100/s burst x", "100 /s", "100/s  burst 2", "+1/s"}) {
    const auto limit = parse_rate_limit(text);
    ASSERT_FALSE(limit) << text;
    EXPECT_EQ(limit.error().code, "rate.malformed") << text;
  }
  for (const char* text :
       {"0/s", "1000001/s", "5000000000/s", "1/ms", "1/2d", "1/s burst 0", "1/s burst 1000001"}) {
    const auto limit = parse_rate_limit(text);
    ASSERT_FALSE(limit) << text;
    EXPECT_EQ(limit.error().code, "rate.out_of_range") << text;
  }
}

TEST(RateLimitText, TakesBackWhatWasWritten) {
  for (const char* text : {"100/s", "6000/m", "100/10s", "50/s burst 200"}) {
    const RateLimit limit = parse_rate_limit(text).value();
    EXPECT_EQ(parse_rate_limit(format_rate_limit(limit)).value(), limit) << text;
  }
}

}  // namespace
}  // namespace countersign
