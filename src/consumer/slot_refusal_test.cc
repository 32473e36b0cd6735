// What a slot does when the provider refuses its token.

#include <gtest/gtest.h>

#include "consumer/slot_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

class TokenSlotRefusal : public TokenSlotTest {};

TEST_F(TokenSlotRefusal, ARefusedGenerationIsGoneAtOnceAndReplaced) {
  source_.grants("t1", 300s).grants("t2", 300s, 1s);
  started_slot();
  reader_->reject(1);
  EXPECT_EQ(value(), "none") << "on this thread without waiting for the home thread";
  loop_.run();
  EXPECT_EQ(status(), TokenStatus::rejected);
  const auto waiter = spawn_waiter();
  loop_.advance(1s);
  ASSERT_TRUE(waiter->result);
  EXPECT_TRUE(waiter->result->has_value());
  EXPECT_EQ(value(), "Bearer t2");
}

TEST_F(TokenSlotRefusal, TheSourceIsToldUntilItHasGivenAnother) {
  source_.grants("t1", 300s).fails().grants("t2", 300s).grants("t3", 300s);
  started_slot();
  EXPECT_FALSE(source_.last_refused());
  reader_->reject(1);
  loop_.run();
  EXPECT_TRUE(source_.last_refused());
  loop_.advance(1s);
  ASSERT_EQ(value(), "Bearer t2");
  EXPECT_TRUE(source_.last_refused()) << "also after an attempt that failed";
  loop_.advance(250s);
  ASSERT_EQ(value(), "Bearer t3");
  EXPECT_FALSE(source_.last_refused());
}

TEST_F(TokenSlotRefusal, ManyRefusalsOfOneGenerationCauseOneGrant) {
  source_.grants("t1", 300s).grants("t2", 300s);
  started_slot();
  TokenSlot::Reader other(*slot_, loop_);
  for (int i = 0; i < 100; ++i) reader_->reject(1);
  other.reject(1);
  loop_.run();
  EXPECT_EQ(source_.asked(), 2);
  EXPECT_EQ(value(), "Bearer t2");
}

TEST_F(TokenSlotRefusal, ARefusalOfAnOlderGenerationLeavesTheNewerOne) {
  source_.grants("t1", 100s).grants("t2", 100s);
  started_slot();
  loop_.advance(81s);
  ASSERT_EQ(value(), "Bearer t2");
  reader_->reject(1);
  loop_.run();
  EXPECT_EQ(value(), "Bearer t2");
  EXPECT_EQ(source_.asked(), 2);
}

TEST_F(TokenSlotRefusal, FreshTokensRefusedAtOnceOpenTheBreaker) {
  int count = 0;
  source_.on_ask([&] {
    return testing::FakeGrant{.token = "t" + std::to_string(++count), .lifetime = 3600s};
  });
  started_slot();
  // Every token is refused as soon as it is seen, for a minute.
  for (int i = 0; i < 600; ++i) {
    if (const Token* token = reader_->current(now())) reader_->reject(token->generation);
    loop_.advance(100ms);
  }
  EXPECT_LE(count, 10) << "the pause doubles: 1, 2, 4, … s";
  EXPECT_GE(count, 4);
  EXPECT_EQ(slot_->state()->why.code, "consumer.fresh_token_refused");
  const auto waiter = spawn_waiter();
  ASSERT_TRUE(waiter->result);
  ASSERT_FALSE(waiter->result->has_value());
  EXPECT_EQ(waiter->result->error().error.code, "consumer.fresh_token_refused");
}

TEST_F(TokenSlotRefusal, TheBreakerForgetsOnceATokenHasLived) {
  int count = 0;
  source_.on_ask([&] {
    return testing::FakeGrant{.token = "t" + std::to_string(++count), .lifetime = 3600s};
  });
  started_slot();
  reader_->reject(1);
  loop_.run();
  ASSERT_EQ(value(), "Bearer t2");
  loop_.advance(60s);
  reader_->reject(2);
  loop_.run();
  EXPECT_EQ(value(), "Bearer t3") << "no pause";
}

TEST_F(TokenSlotRefusal, ARefusedTokenThatTheIssuerRepeatsIsNotUsed) {
  source_.grants("t1", 300s).grants("t1", 300s).grants("t2", 300s);
  started_slot();
  reader_->reject(1);
  loop_.run();
  EXPECT_EQ(source_.asked(), 2);
  EXPECT_EQ(value(), "none");
  EXPECT_EQ(slot_->state()->why.code, "consumer.refused_token_again");
  EXPECT_EQ(status(), TokenStatus::rejected);
  loop_.advance(1s);
  EXPECT_EQ(value(), "Bearer t2");
}

TEST_F(TokenSlotRefusal, ARefusalDuringAnOutageDoesNotShortenTheBackOff) {
  source_.grants("t1", 100s).fails({.retry_after = 20s}).grants("t2", 100s);
  started_slot();
  loop_.advance(81s);
  ASSERT_EQ(source_.asked(), 2);
  reader_->reject(1);
  loop_.run();
  EXPECT_EQ(source_.asked(), 2);
  loop_.advance(20s);
  EXPECT_EQ(source_.asked(), 3);
  EXPECT_EQ(value(), "Bearer t2");
}

}  // namespace
}  // namespace countersign::consumer
