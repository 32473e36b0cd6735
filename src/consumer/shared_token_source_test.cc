// Tokens shared through a store that is there. Its outages are in shared_token_outage_test.cc.

#include <gtest/gtest.h>

#include "consumer/shared_token_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

TEST_F(SharedTokens, TheSecondProcessAdoptsWhatTheFirstWasGranted) {
  Process& first = started();
  Process& second = started();
  EXPECT_EQ(first.value(), "Bearer t1");
  EXPECT_EQ(second.value(), "Bearer t1");
  EXPECT_EQ(grants_, 1);
  EXPECT_EQ(first.state().granted, 1u);
  EXPECT_EQ(first.state().adopted, 0u);
  EXPECT_EQ(second.state().granted, 0u);
  EXPECT_EQ(second.state().adopted, 1u);
  EXPECT_EQ(second.slot->state()->sharing.generation, 1u);
  EXPECT_TRUE(second.slot->state()->sharing.on);
  EXPECT_FALSE(second.slot->state()->sharing.alone);
}

TEST_F(SharedTokens, AnAdoptedTokenEndsWhereTheGrantedOneDoes) {
  issuer_delay_ = 2s;
  Process& first = process();
  first.slot->start();
  pass(3s);
  pass(20s);
  Process& second = started();
  const Instant one = first.slot->state()->token->expires;
  const Instant other = second.slot->state()->token->expires;
  EXPECT_LE(other.boot, one.boot + 1ms) << "the store counts in microseconds";
  EXPECT_GT(other.boot, one.boot - 1s) << "whole seconds, rounded down";
  EXPECT_LE(other.wall, one.wall + 1ms);
}

TEST_F(SharedTokens, ManyThatStartTogetherAskOnce) {
  issuer_delay_ = 500ms;
  for (int i = 0; i < 8; ++i) process();
  for (const auto& made : processes_) made->slot->start();
  pass(2s);
  for (const auto& made : processes_) EXPECT_EQ(made->value(), "Bearer t1");
  EXPECT_EQ(grants_, 1);
}

TEST_F(SharedTokens, AFleetRenewsEachGenerationOnceAndIsNeverWithoutAToken) {
  lifetime_ = 10s;
  for (int i = 0; i < 5; ++i) started();
  for (int i = 0; i < 400; ++i) {
    pass(100ms);
    for (const auto& made : processes_) ASSERT_NE(made->value(), "none") << i;
  }
  EXPECT_LE(grants_, 40 / 6 + 1) << "no more often than the earliest share of the lifetime";
  EXPECT_GE(grants_, 40 / 8);
  EXPECT_EQ(row().generation, static_cast<uint64_t>(grants_));
}

TEST_F(SharedTokens, ATokenAdoptedLateIsRenewedSoonAndOnce) {
  Process& first = started();
  pass(50s);
  end(first);
  pass(45s);  // nobody is there to renew it
  for (int i = 0; i < 5; ++i) started();
  for (const auto& made : processes_) EXPECT_EQ(made->value(), "Bearer t1");
  pass(5s);
  for (const auto& made : processes_) EXPECT_EQ(made->value(), "Bearer t2");
  EXPECT_EQ(grants_, 2);
}

TEST_F(SharedTokens, ARefusalIsToldToAllAndRenewedOnce) {
  for (int i = 0; i < 4; ++i) started();
  pass(20s);
  processes_[0]->reader->reject(processes_[0]->generation());
  settle();
  EXPECT_EQ(processes_[0]->value(), "Bearer t2");
  EXPECT_EQ(row().rejected, 1u);
  pass(4s);  // no call was refused to the others
  for (const auto& made : processes_) EXPECT_EQ(made->value(), "Bearer t2");
  EXPECT_EQ(grants_, 2);
}

TEST_F(SharedTokens, ARefusalThatAnotherProcessHasCuredCausesNoGrant) {
  Process& first = started();
  Process& second = started();
  pass(20s);
  first.reader->reject(first.generation());
  settle();
  second.reader->reject(second.generation());
  settle();
  EXPECT_EQ(first.value(), "Bearer t2");
  EXPECT_EQ(second.value(), "Bearer t2");
  EXPECT_EQ(grants_, 2);
}

TEST_F(SharedTokens, ARefusedTokenIsNotUsedElsewhereWhileTheIssuerGivesNoOther) {
  Process& first = started();
  Process& second = started();
  pass(20s);
  for (const auto& made : processes_) made->issuer.otherwise_fails();
  first.reader->reject(first.generation());
  pass(4s);
  EXPECT_EQ(second.value(), "none");
  EXPECT_EQ(second.slot->state()->status, TokenStatus::rejected);
  Process& third = started();
  EXPECT_EQ(third.value(), "none");
}

TEST_F(SharedTokens, AnIssuerThatRepeatsARefusedTokenDoesNotSpreadIt) {
  Process& first = started();
  first.issuer.otherwise_grants("t1", 100s);
  first.reader->reject(first.generation());
  settle();
  EXPECT_EQ(first.slot->state()->why.code, "consumer.refused_token_again");
  EXPECT_EQ(row().generation, 1u);
}

TEST_F(SharedTokens, AFailureAtTheIssuerIsSharedNotRepeated) {
  for (int i = 0; i < 6; ++i) {
    process().issuer.on_ask([this] {
      ++grants_;
      return testing::FakeFailure{.retry_after = 60s};
    });
  }
  for (const auto& made : processes_) made->slot->start();
  pass(59s);
  EXPECT_EQ(grants_, 1);
  for (const auto& made : processes_) EXPECT_FALSE(made->slot->state()->why.code.empty());
  pass(3s);
  EXPECT_EQ(grants_, 2);
}

TEST_F(SharedTokens, AVerdictAboutTheClientClosesTheRowForAll) {
  for (int i = 0; i < 3; ++i) {
    process().issuer.on_ask([this] {
      ++grants_;
      return testing::FakeFailure{.permanent = true};
    });
  }
  for (const auto& made : processes_) made->slot->start();
  pass(290s);
  EXPECT_EQ(grants_, 1);
}

TEST_F(SharedTokens, AnOwnerThatIsStoppedBeforeItsTokenIsWrittenMakesItNoYounger) {
  Process& stopped = process();
  stopped.store->before_publish = [this] { clock_.advance(12s); };
  stopped.slot->start();
  settle();
  ASSERT_EQ(row().generation, 1u);
  EXPECT_GE(row().token->age, 12s);
  EXPECT_EQ(row().token->age + row().token->expires_in, lifetime_);
}

TEST_F(SharedTokens, AnOwnerThatDiesIsReplacedWhenItsLeaseEnds) {
  issuer_delay_ = 5s;
  Process& dying = process();
  dying.slot->start();
  pass(1s);
  ASSERT_EQ(grants_, 1);
  end(dying);
  issuer_delay_ = 0s;
  Process& heir = process();
  heir.slot->start();
  pass(13s);
  EXPECT_EQ(grants_, 1) << "the lease still runs";
  pass(2s);
  EXPECT_EQ(heir.value(), "Bearer t2");
  EXPECT_EQ(row().generation, 2u) << "the number of the dead was spent";
}

TEST_F(SharedTokens, WhileADeadOwnersLeaseRunsCallersAreKeptNotRefused) {
  issuer_delay_ = 5s;
  Process& dying = process();
  dying.slot->start();
  pass(1s);
  end(dying);
  issuer_delay_ = 0s;
  Process& heir = process();
  heir.slot->start();
  pass(12s);  // longer than a token request may take
  std::optional<bool> got;
  auto wait = [](Process& at, std::optional<bool>& result, BootTime deadline) -> Task<void> {
    const auto waited = co_await at.reader->wait(deadline);
    result = waited.has_value();
  };
  loop_.spawn(wait(heir, got, clock_.boot_now() + 10s));
  pass(3s);
  EXPECT_EQ(got, true);
  EXPECT_EQ(heir.slot->state()->failures, 0u);
}

TEST_F(SharedTokens, AStalledOwnerTakesTheNewerTokenAndDoesNotOverwriteIt) {
  Process& slow = process();
  Process& quick = process();
  slow.store->before_publish = [&] {
    // While its publication is on the way, the lease ends and another process is granted a token.
    auto other = open_store();
    clock_.advance(16s);
    const auto claim = other->claim(slot_identity(slot_key()), "other", 0, 0, 10s);
    ASSERT_TRUE(claim && claim->granted);
    auto sealed = keys_.seal(as_bytes("newer"),
                             {.table = "token_rows",
                              .name = slot_identity(slot_key()),
                              .generation = claim->row.claimed},
                             entropy_);
    ASSERT_TRUE(sealed);
    ASSERT_TRUE(*other->publish(
        slot_identity(slot_key()), "other", claim->row.claimed,
        {.sealed = sealed->bytes, .key_version = 1, .age = 0us, .expires_in = 100s}));
  };
  slow.slot->start();
  settle();
  EXPECT_EQ(slow.value(), "Bearer newer");
  quick.slot->start();
  settle();
  EXPECT_EQ(quick.value(), "Bearer newer");
  EXPECT_EQ(row().generation, 2u);
}

TEST_F(SharedTokens, ATokenUnderAnotherKeyIsNotUsedButReplaced) {
  started();
  Process& other = process(new_keys(1));
  other.slot->start();
  settle();
  EXPECT_EQ(other.value(), "Bearer t2");
  EXPECT_EQ(sink_.count("token_store.unreadable_token"), 1u);
  EXPECT_EQ(row().generation, 2u);
}

TEST_F(SharedTokens, NothingThatIsWrittenShowsTheToken) {
  lifetime_ = 10s;
  Process& first = started();
  pass(30s);
  const Bytes sealed = row().token->sealed;
  EXPECT_EQ(as_text(sealed).find("t" + std::to_string(grants_)), std::string_view::npos);
  EXPECT_GE(first.state().granted, 3u);
}

TEST_F(SharedTokens, AMissingLifetimeIsTheAssumedOneForAll) {
  Process& first = process({.assumed_lifetime = 40s});
  first.issuer.on_ask([] { return testing::FakeGrant{.token = "x", .lifetime = std::nullopt}; });
  first.slot->start();
  settle();
  Process& second = started();
  EXPECT_EQ(second.slot->state()->token->expires.boot, clock_.boot_now() + 40s);
}

TEST_F(SharedTokens, WaitersKeepTheirOwnDeadlineWhileAnotherProcessAsks) {
  issuer_delay_ = 9s;
  Process& asking = process();
  asking.slot->start();
  pass(100ms);
  Process& waiting = process();
  std::optional<bool> got;
  auto wait = [](Process& at, std::optional<bool>& result, BootTime deadline) -> Task<void> {
    const auto waited = co_await at.reader->wait(deadline);
    result = waited.has_value();
  };
  loop_.spawn(wait(waiting, got, clock_.boot_now() + 1s));
  pass(1s);
  EXPECT_EQ(got, false);
  std::optional<bool> patient;
  loop_.spawn(wait(waiting, patient, clock_.boot_now() + 20s));
  pass(10s);
  EXPECT_EQ(patient, true);
  EXPECT_EQ(grants_, 1);
}

}  // namespace
}  // namespace countersign::consumer
