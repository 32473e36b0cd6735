#include "consumer/egress/auth_state.h"

#include <cmath>

#include <gtest/gtest.h>

#include "consumer/slot_test_fixture.h"

namespace countersign::consumer {
namespace {

class NoTokenScheme final : public ProcessScheme {
 public:
  explicit NoTokenScheme(const TokenSlot* slot = nullptr) : slot_(slot) {}
  std::unique_ptr<Scheme> for_loop(Executor&) override { return nullptr; }
  std::string_view field_name() const override { return "Authorization"; }
  std::string redacted(std::string_view) const override { return "…"; }
  const TokenSlot* slot() const override { return slot_; }

 private:
  const TokenSlot* slot_;
};

const WallTime wall = from_unix_seconds(1'800'000'000);
const Instant at{BootTime(std::chrono::hours(1)), wall};

TEST(AuthState, WithoutAnythingThatEndsTheRunwayIsInfinite) {
  const AuthState state = auth_state_of(NoTokenScheme(), {}, at);
  EXPECT_TRUE(std::isinf(state.runway_seconds));
  EXPECT_EQ(state.limited_by, "");
  EXPECT_FALSE(state.has_token);
  EXPECT_TRUE(state.can_call());
}

TEST(AuthState, TheFirstToEndLimitsTheRunway) {
  const IdentityEnds ends{.certificate = wall + std::chrono::seconds(90),
                          .trust_anchors = wall + std::chrono::seconds(60)};
  const AuthState state = auth_state_of(NoTokenScheme(), ends, at);
  EXPECT_EQ(state.runway_seconds, 60);
  EXPECT_EQ(state.limited_by, "trust_anchors");
}

TEST(AuthState, WhatHasEndedLeavesNothing) {
  for (const auto left : {std::chrono::seconds(0), std::chrono::seconds(-5)}) {
    const AuthState state = auth_state_of(NoTokenScheme(), {.certificate = wall + left}, at);
    EXPECT_EQ(state.runway_seconds, 0);
    EXPECT_EQ(state.limited_by, "certificate");
    EXPECT_FALSE(state.can_call());
  }
}

class AuthStateOfSlotTest : public TokenSlotTest {
 protected:
  AuthState state() { return auth_state_of(NoTokenScheme(&*slot_), {}, now()); }
};

TEST_F(AuthStateOfSlotTest, BeforeTheFirstTokenNothingCanBeCalled) {
  slot();
  EXPECT_TRUE(state().has_token);
  EXPECT_EQ(state().token_status, TokenStatus::empty);
  EXPECT_EQ(state().runway_seconds, 0);
  EXPECT_EQ(state().limited_by, "token");
}

TEST_F(AuthStateOfSlotTest, AFreshTokenDoesNotLimit) {
  source_.grants("t1", std::chrono::seconds(100));
  started_slot();
  ASSERT_EQ(status(), TokenStatus::fresh);
  EXPECT_TRUE(std::isinf(state().runway_seconds));
  EXPECT_GT(state().token_seconds, 0);
  EXPECT_EQ(state().generation, 1u);
  EXPECT_EQ(state().grants, 1u);
}

TEST_F(AuthStateOfSlotTest, ATokenThatEndedIsNoRunway) {
  source_.grants("t1", std::chrono::seconds(100));
  started_slot();
  const auto left = std::chrono::duration<double>(state().token_seconds);
  // Without its loop the slot cannot renew.
  clock_.advance(std::chrono::ceil<std::chrono::seconds>(left));
  EXPECT_EQ(state().token_status, TokenStatus::expired);
  EXPECT_EQ(state().runway_seconds, 0);
  EXPECT_FALSE(state().can_call());
}

}  // namespace
}  // namespace countersign::consumer
