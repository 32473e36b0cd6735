// The slot over a scripted issuer, time advanced by hand. Refused tokens are in
// slot_refusal_test.cc, several threads in slot_threads_test.cc.

#include "consumer/slot.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/slot_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

TEST_F(TokenSlotTest, HasNoTokenBeforeTheFirstGrant) {
  slot();
  EXPECT_EQ(value(), "none");
  EXPECT_EQ(status(), TokenStatus::empty);
}

TEST_F(TokenSlotTest, StartObtainsATokenWithoutAnybodyWaiting) {
  source_.grants("t1", 300s);
  started_slot();
  EXPECT_EQ(value(), "Bearer t1");
  EXPECT_EQ(status(), TokenStatus::fresh);
  EXPECT_EQ(reader_->current(now())->generation, 1u);
}

TEST_F(TokenSlotTest, AWaiterWithoutStartObtainsTheFirstToken) {
  source_.grants("t1", 300s);
  slot();
  const auto waiter = spawn_waiter();
  loop_.run();
  ASSERT_TRUE(waiter->result);
  EXPECT_TRUE(waiter->result->has_value());
  EXPECT_EQ(value(), "Bearer t1");
}

TEST_F(TokenSlotTest, TenThousandWaitersShareOneGrant) {
  source_.grants("t1", 300s, 2s);
  slot();
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 10'000; ++i) waiters.push_back(spawn_waiter());
  loop_.advance(3s);
  for (const auto& waiter : waiters) {
    ASSERT_TRUE(waiter->result);
    ASSERT_TRUE(waiter->result->has_value());
  }
  EXPECT_EQ(source_.asked(), 1);
}

TEST_F(TokenSlotTest, GivingUpAWaitLeavesTheRenewalAlone) {
  source_.grants("t1", 300s, 5s);
  slot();
  const auto other = spawn_waiter();
  Waiter abandoned;
  {
    Task<void> task = wait_into(abandoned, loop_.now() + 30s);
    task.start();
    loop_.run();
  }
  loop_.advance(6s);
  EXPECT_FALSE(abandoned.result);
  ASSERT_TRUE(other->result);
  EXPECT_TRUE(other->result->has_value());
  EXPECT_EQ(source_.asked(), 1);
}

TEST_F(TokenSlotTest, AWaiterEndsAtItsOwnDeadlineAndTheOthersGoOn) {
  source_.grants("t1", 300s, 5s);
  slot();
  const auto hasty = spawn_waiter(1s);
  const auto patient = spawn_waiter(30s);
  loop_.advance(1s);
  ASSERT_TRUE(hasty->result);
  ASSERT_FALSE(hasty->result->has_value());
  EXPECT_EQ(hasty->result->error().error.code, "consumer.token_wait_timeout");
  EXPECT_FALSE(patient->result);
  loop_.advance(5s);
  ASSERT_TRUE(patient->result);
  EXPECT_TRUE(patient->result->has_value());
}

TEST_F(TokenSlotTest, LifetimeCountsFromTheStartOfTheRequest) {
  source_.grants("t1", 100s, 8s);
  slot().start();
  const BootTime started = clock_.boot_now();
  loop_.advance(8s);
  EXPECT_EQ(reader_->current(now())->expires.boot, started + 100s);
}

TEST_F(TokenSlotTest, ATokenEndsExactlyAtItsExpiry) {
  const Token token{
      .field_value = {}, .generation = 1, .expires = {BootTime(100s), WallTime(200s)}};
  EXPECT_TRUE(token.valid_at({BootTime(100s - 1ns), WallTime(200s - 1us)}));
  EXPECT_FALSE(token.valid_at({BootTime(100s), WallTime(0s)}));
  EXPECT_FALSE(token.valid_at({BootTime(0s), WallTime(200s)}));
}

TEST_F(TokenSlotTest, AWallClockSetForwardEndsATokenEarly) {
  source_.grants("t1", 300s).grants("t2", 300s);
  started_slot();
  clock_.step_wall(301s);
  EXPECT_EQ(value(), "none");
  EXPECT_EQ(status(), TokenStatus::expired);
  const auto waiter = spawn_waiter();
  loop_.run();
  EXPECT_EQ(value(), "Bearer t2");
}

TEST_F(TokenSlotTest, AWallClockSetBackDoesNotLengthenAToken) {
  source_.grants("t1", 300s).otherwise_fails();
  started_slot();
  clock_.step_wall(-3600s);
  loop_.advance(301s);
  EXPECT_EQ(value(), "none");
}

TEST_F(TokenSlotTest, RenewsWithinItsShareOfTheLifetime) {
  source_.grants("t1", 1000s).grants("t2", 1000s);
  started_slot();
  loop_.advance(599s);
  EXPECT_EQ(source_.asked(), 1);
  loop_.advance(202s);
  EXPECT_EQ(source_.asked(), 2);
  EXPECT_EQ(value(), "Bearer t2");
  EXPECT_EQ(reader_->current(now())->generation, 2u);
}

TEST_F(TokenSlotTest, TheShareIsJittered) {
  std::vector<BootTime> asked_at;
  source_.on_ask([&] {
    asked_at.push_back(clock_.boot_now());
    return testing::FakeGrant{.token = "t" + std::to_string(asked_at.size()), .lifetime = 1000s};
  });
  started_slot();
  loop_.advance(5000s);
  ASSERT_GE(asked_at.size(), 4u);
  EXPECT_NE(asked_at[2] - asked_at[1], asked_at[3] - asked_at[2]);
}

TEST_F(TokenSlotTest, ATokenOfTwoSecondsIsAlwaysThere) {
  int count = 0;
  source_.on_ask(
      [&] { return testing::FakeGrant{.token = "t" + std::to_string(++count), .lifetime = 2s}; });
  started_slot();
  for (int i = 0; i < 200; ++i) {
    loop_.advance(100ms);
    ASSERT_NE(value(), "none") << i;
  }
  EXPECT_LE(count, 18);  // at most one in 1.2 s
}

TEST_F(TokenSlotTest, AMissingLifetimeIsTheConfiguredOne) {
  source_.grants("t1", std::nullopt).otherwise_fails();
  started_slot({.assumed_lifetime = 60s});
  EXPECT_EQ(reader_->current(now())->expires.boot, now().boot + 60s);
}

TEST_F(TokenSlotTest, AHugeLifetimeIsCut) {
  source_.grants("t1", std::chrono::hours(24 * 365)).otherwise_fails();
  started_slot({.lifetime_max = 3600s});
  EXPECT_EQ(reader_->current(now())->expires.boot, now().boot + 3600s);
}

TEST_F(TokenSlotTest, ATokenThatEndedOnItsWayIsNotUsed) {
  source_.grants("t1", 2s, 3s).grants("t2", 300s);
  slot().start();
  loop_.advance(3s);
  EXPECT_EQ(value(), "none");
  EXPECT_EQ(slot_->state()->why.code, "consumer.token_ended_on_arrival");
  loop_.advance(1s);
  EXPECT_EQ(value(), "Bearer t2");
}

TEST_F(TokenSlotTest, AFailedRenewalKeepsTheTokenToItsTrueEnd) {
  source_.grants("t1", 100s).otherwise_fails();
  started_slot();
  loop_.advance(99s);
  EXPECT_EQ(value(), "Bearer t1");
  EXPECT_EQ(status(), TokenStatus::stale_valid);
  loop_.advance(1s);
  EXPECT_EQ(value(), "none");
  EXPECT_EQ(status(), TokenStatus::expired);
}

TEST_F(TokenSlotTest, FailuresBackOffAndNeverStop) {
  source_.otherwise_fails();
  started_slot({.backoff_first = 1s, .backoff_max = 16s});
  loop_.advance(16s);
  const int early = source_.asked();
  EXPECT_GE(early, 4);
  EXPECT_LE(early, 7);
  loop_.advance(1000s);
  const int later = source_.asked() - early;
  EXPECT_GE(later, 1000 / 16);
  EXPECT_LE(later, 1000 / 8 + 2);
}

TEST_F(TokenSlotTest, RecoversByItselfWhenTheIssuerIsBack) {
  source_.fails().fails().fails().grants("t1", 300s);
  started_slot();
  EXPECT_EQ(value(), "none");
  loop_.advance(5s);
  EXPECT_EQ(value(), "Bearer t1");
  EXPECT_EQ(status(), TokenStatus::fresh);
  EXPECT_TRUE(slot_->state()->why.code.empty());
}

TEST_F(TokenSlotTest, HonoursRetryAfter) {
  source_.fails({.retry_after = 60s}).grants("t1", 300s);
  started_slot();
  loop_.advance(59s);
  EXPECT_EQ(source_.asked(), 1);
  loop_.advance(1s);
  EXPECT_EQ(source_.asked(), 2);
}

TEST_F(TokenSlotTest, DoesNotObeyARetryAfterOfAYear) {
  source_.fails({.retry_after = std::chrono::hours(24 * 365)}).grants("t1", 300s);
  started_slot({.retry_after_max = 300s});
  loop_.advance(300s);
  EXPECT_EQ(source_.asked(), 2);
}

TEST_F(TokenSlotTest, CallersAreKeptForANearRetryAndToldOfADistantOne) {
  source_.fails().grants("t1", 300s).fails({.retry_after = 60s});
  slot();
  const auto first = spawn_waiter();
  loop_.advance(1s);
  ASSERT_TRUE(first->result);
  EXPECT_TRUE(first->result->has_value());

  reader_->reject(1);
  loop_.run();
  const auto second = spawn_waiter();
  loop_.run();
  ASSERT_TRUE(second->result);
  ASSERT_FALSE(second->result->has_value());
  EXPECT_GT(second->result->error().retry_after, 59s);
  EXPECT_LE(second->result->error().retry_after, 60s);
}

TEST_F(TokenSlotTest, DuringAnOutageCallersFailAtOnceWithoutAskingTheIssuer) {
  source_.otherwise_fails();
  started_slot();
  loop_.advance(60s);
  const int asked = source_.asked();
  for (int i = 0; i < 1000; ++i) {
    const auto waiter = spawn_waiter();
    ASSERT_TRUE(waiter->result) << i;
    ASSERT_FALSE(waiter->result->has_value());
  }
  loop_.run();
  EXPECT_EQ(source_.asked(), asked);
}

TEST_F(TokenSlotTest, APermanentRefusalStopsTheRetriesAndFailsCallersAtOnce) {
  source_.fails({.permanent = true}).grants("t1", 300s);
  slot();
  const auto waiter = spawn_waiter();
  loop_.run();
  ASSERT_TRUE(waiter->result);
  ASSERT_FALSE(waiter->result->has_value());
  EXPECT_EQ(waiter->result->error().error.kind, ErrorKind::misconfigured);
  EXPECT_EQ(status(), TokenStatus::misconfigured);
  loop_.advance(149s);
  EXPECT_EQ(source_.asked(), 1);
  loop_.advance(151s);  // the slow retry notices a repair at the issuer
  EXPECT_EQ(source_.asked(), 2);
  EXPECT_EQ(status(), TokenStatus::fresh);
}

TEST_F(TokenSlotTest, APermanentRefusalOfARenewalKeepsTheValidToken) {
  source_.grants("t1", 100s).fails({.permanent = true});
  started_slot();
  loop_.advance(90s);
  EXPECT_EQ(status(), TokenStatus::misconfigured);
  EXPECT_EQ(value(), "Bearer t1");
  loop_.advance(10s);
  EXPECT_EQ(value(), "none");
}

TEST_F(TokenSlotTest, AnIssuerThatRepeatsTheTokenIsAskedRarely) {
  // New tokens only in the last 30 s of a life of 3600 s; before that, the same one with what
  // remains of it.
  BootTime issued{};
  int serial = 0;
  source_.on_ask([&] {
    const auto age = clock_.boot_now() - issued;
    if (serial == 0 || age > 3570s) {
      ++serial;
      issued = clock_.boot_now();
    }
    const auto rest =
        std::chrono::duration_cast<std::chrono::seconds>(issued + 3600s - clock_.boot_now());
    return testing::FakeGrant{.token = "t" + std::to_string(serial), .lifetime = rest};
  });
  started_slot();
  loop_.advance(3600s);
  EXPECT_EQ(serial, 2);
  const int learning = source_.asked();
  EXPECT_LE(learning, 10);
  loop_.advance(3600s * 10);
  EXPECT_EQ(source_.asked() - learning, serial - 2)
      << "once the window is known, each question gives a token";
  EXPECT_NE(value(), "none");
}

TEST_F(TokenSlotTest, TheSameTokenAgainKeepsGenerationAndDoesNotLiveLonger) {
  source_.otherwise_grants("t1", 100s);
  started_slot();
  const BootTime end = now().boot + 100s;
  loop_.advance(85s);
  EXPECT_GE(source_.asked(), 2);
  ASSERT_EQ(value(), "Bearer t1");
  EXPECT_EQ(reader_->current(now())->generation, 1u);
  EXPECT_EQ(reader_->current(now())->expires.boot, end);
}

TEST_F(TokenSlotTest, ASharedTokenOutlivesItsSuccessor) {
  source_.grants("t1", 100s).grants("t2", 100s);
  started_slot();
  const std::shared_ptr<const Token> first = reader_->share(now());
  loop_.advance(81s);
  EXPECT_EQ(value(), "Bearer t2");
  EXPECT_EQ(reader_->share(now())->generation, 2u);
  EXPECT_EQ(first->field_value.unsafe_reveal_text(), "Bearer t1");
}

TEST_F(TokenSlotTest, EachAttemptHasADeadline) {
  source_.otherwise_fails();
  started_slot({.request_timeout = 7s});
  EXPECT_EQ(source_.last_deadline(), now().boot + 7s);
}

TEST_F(TokenSlotTest, DestroyingASlotGivesUpItsRequest) {
  source_.grants("t1", 300s, 5s);
  slot().start();
  loop_.run();
  EXPECT_EQ(source_.under_way(), 1);
  reader_.reset();
  slot_.reset();
  EXPECT_EQ(source_.under_way(), 0);
  loop_.advance(10s);
}

TEST_F(TokenSlotTest, QuestionsThatArriveAfterTheSlotIsGoneAreDropped) {
  slot();
  reader_->reject(1);  // posted, not yet run
  reader_.reset();
  slot_.reset();
  loop_.run();
  EXPECT_EQ(source_.asked(), 0);
}

TEST(SlotKey, DiffersInEveryPart) {
  const SlotKey key{.issuer = "i",
                    .client_id = "c",
                    .credential_version = 1,
                    .scopes = {"a"},
                    .resource = "r",
                    .certificate_thumbprint = "x"};
  auto changed = [&](auto change) {
    SlotKey other = key;
    change(other);
    return other;
  };
  EXPECT_EQ(key, changed([](SlotKey&) {}));
  EXPECT_NE(key, changed([](SlotKey& k) { k.issuer = "j"; }));
  EXPECT_NE(key, changed([](SlotKey& k) { k.client_id = "d"; }));
  EXPECT_NE(key, changed([](SlotKey& k) { k.credential_version = 2; }));
  EXPECT_NE(key, changed([](SlotKey& k) { k.scopes = {"b"}; }));
  EXPECT_NE(key, changed([](SlotKey& k) { k.resource = "s"; }));
  EXPECT_NE(key, changed([](SlotKey& k) { k.certificate_thumbprint = "y"; }));
}

TEST(SlotKey, IsEqualWhateverTheOrderOfItsScopes) {
  const SlotKey one{.scopes = {"b", "a", "b"}};
  const SlotKey other{.scopes = {"a", "b"}};
  EXPECT_EQ(one.normalised(), other.normalised());
}

}  // namespace
}  // namespace countersign::consumer
