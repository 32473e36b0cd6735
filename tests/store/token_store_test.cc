// The contract of TokenStore (token_store.h), against each implementation and a real database.

#include <atomic>
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/entropy.h"
#include "token_store_testbed.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

class TokenStoreContract : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (GetParam() == StoreKind::postgres && !testing::PostgresServer::installed())
      GTEST_SKIP() << testing::PostgresServer::how_to_install;
    bed_ = std::make_unique<TokenStoreTestbed>(GetParam());
    store_ = bed_->open();
  }
  Claim claim(std::string_view owner, uint64_t seen, uint64_t rejected = 0,
              microseconds lease = 1h) {
    return must(store_->claim("slot", owner, seen, rejected, lease));
  }
  // Brings the row to `generation`.
  void publish_up_to(uint64_t generation) {
    for (uint64_t seen = 0; seen < generation; ++seen) {
      ASSERT_TRUE(claim("setup", seen).granted);
      ASSERT_TRUE(must(store_->publish("slot", "setup", seen + 1, token("t"))));
    }
  }
  TokenRow row() { return must(store_->read("slot")); }

  std::unique_ptr<TokenStoreTestbed> bed_;
  std::unique_ptr<TokenStore> store_;
};

TEST_P(TokenStoreContract, ASlotThatNobodyWroteIsEmpty) {
  const TokenRow empty = row();
  EXPECT_EQ(empty.generation, 0u);
  EXPECT_EQ(empty.claimed, 0u);
  EXPECT_EQ(empty.rejected, 0u);
  EXPECT_FALSE(empty.token);
  EXPECT_EQ(empty.lease_owner, "");
  EXPECT_EQ(empty.lease_for, 0us);
}

TEST_P(TokenStoreContract, AClaimCountsUpAndIsAlone) {
  const Claim first = claim("a", 0);
  EXPECT_TRUE(first.granted);
  EXPECT_EQ(first.row.claimed, 1u);
  EXPECT_EQ(first.row.generation, 0u);
  EXPECT_EQ(first.row.lease_owner, "a");
  EXPECT_GT(first.row.lease_for, 59min);
  EXPECT_LE(first.row.lease_for, 1h);
  for (const char* owner : {"b", "a"}) {
    const Claim second = claim(owner, 0);
    EXPECT_FALSE(second.granted) << owner;
    EXPECT_EQ(second.row.claimed, 1u);
    EXPECT_EQ(second.row.lease_owner, "a");
  }
}

TEST_P(TokenStoreContract, WhatIsPublishedIsRead) {
  ASSERT_TRUE(claim("a", 0).granted);
  const SealedToken given{.sealed = {0, 255, 7}, .key_version = 3, .age = 2s, .expires_in = 60s};
  ASSERT_TRUE(must(store_->publish("slot", "a", 1, given)));
  const TokenRow read = row();
  EXPECT_EQ(read.generation, 1u);
  EXPECT_EQ(read.claimed, 1u);
  EXPECT_EQ(read.lease_owner, "");
  EXPECT_EQ(read.lease_for, 0us);
  ASSERT_TRUE(read.token);
  EXPECT_EQ(read.token->sealed, given.sealed);
  EXPECT_EQ(read.token->key_version, 3u);
  EXPECT_GE(read.token->age, 2s);
  EXPECT_LT(read.token->age, 50s);
  // What was lived is not there to live. PostgreSQL reads its clock once for each.
  EXPECT_GE(read.token->age + read.token->expires_in, 62s);
  EXPECT_LT(read.token->age + read.token->expires_in, 63s);
}

TEST_P(TokenStoreContract, ATokenThatHasEndedSaysSo) {
  ASSERT_TRUE(claim("a", 0).granted);
  ASSERT_TRUE(must(store_->publish("slot", "a", 1, {.age = 10s, .expires_in = -3s})));
  EXPECT_LE(row().token->expires_in, -3s);
  ASSERT_TRUE(claim("a", 1).granted);
  ASSERT_TRUE(must(store_->publish("slot", "a", 2, {.age = -5s, .expires_in = 0s})));
  EXPECT_GE(row().token->age, 0s);
  EXPECT_LE(row().token->expires_in, 0s);
}

TEST_P(TokenStoreContract, AClaimOfAnotherGenerationIsNotGranted) {
  publish_up_to(2);
  for (const uint64_t seen : {uint64_t{0}, uint64_t{1}, uint64_t{3}, UINT64_MAX}) {
    const Claim refused = claim("a", seen);
    EXPECT_FALSE(refused.granted) << seen;
    EXPECT_EQ(refused.row.generation, 2u);
    EXPECT_EQ(refused.row.claimed, 2u);
  }
  EXPECT_TRUE(claim("a", 2).granted);
}

TEST_P(TokenStoreContract, AClaimOfAGenerationThatASlotNeverHadIsNotGranted) {
  const Claim refused = claim("a", 5, 5);
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.row.claimed, 0u);
  EXPECT_EQ(refused.row.rejected, 0u);
}

TEST_P(TokenStoreContract, ALateWriterOverwritesNothing) {
  ASSERT_TRUE(claim("late", 0, 0, 0us).granted);
  const Claim next = claim("b", 0);
  ASSERT_TRUE(next.granted);
  EXPECT_EQ(next.row.claimed, 2u);
  EXPECT_FALSE(must(store_->publish("slot", "late", 1, token("old"))));
  EXPECT_FALSE(must(store_->release("slot", "late", 1, 1h)));
  EXPECT_EQ(row().lease_owner, "b");
  EXPECT_FALSE(row().token);
  ASSERT_TRUE(must(store_->publish("slot", "b", 2, token("new"))));
  EXPECT_EQ(row().generation, 2u);
  EXPECT_FALSE(must(store_->publish("slot", "late", 1, token("old"))));
  EXPECT_EQ(row().token->sealed, to_bytes("new"));
}

TEST_P(TokenStoreContract, OnlyTheOwnerAndOnlyOncePublishesOrReleases) {
  ASSERT_TRUE(claim("a", 0).granted);
  EXPECT_FALSE(must(store_->publish("slot", "b", 1, token("x"))));
  EXPECT_FALSE(must(store_->publish("slot", "a", 0, token("x"))));
  EXPECT_FALSE(must(store_->publish("slot", "a", 2, token("x"))));
  EXPECT_FALSE(must(store_->publish("other", "a", 1, token("x"))));
  EXPECT_FALSE(must(store_->release("slot", "b", 1, 0us)));
  EXPECT_FALSE(must(store_->release("slot", "a", 2, 0us)));
  EXPECT_TRUE(must(store_->publish("slot", "a", 1, token("x"))));
  EXPECT_FALSE(must(store_->publish("slot", "a", 1, token("y"))));
  EXPECT_FALSE(must(store_->release("slot", "a", 1, 0us)));
  EXPECT_EQ(row().token->sealed, to_bytes("x"));
}

TEST_P(TokenStoreContract, AnOwnerIsLateOnlyWhenAnotherHasClaimed) {
  ASSERT_TRUE(claim("slow", 0, 0, 0us).granted);
  EXPECT_EQ(row().lease_owner, "");
  EXPECT_TRUE(must(store_->publish("slot", "slow", 1, token("x"))));
}

TEST_P(TokenStoreContract, AReleasedLeaseIsFreeOrClosedForAll) {
  ASSERT_TRUE(claim("a", 0).granted);
  ASSERT_TRUE(must(store_->release("slot", "a", 1, 0us)));
  ASSERT_TRUE(claim("b", 0).granted);
  ASSERT_TRUE(must(store_->release("slot", "b", 2, 1h)));
  const Claim refused = claim("a", 0);
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.row.lease_owner, "");
  EXPECT_GT(refused.row.lease_for, 59min);
  EXPECT_EQ(refused.row.claimed, 2u);
  EXPECT_FALSE(must(store_->publish("slot", "b", 2, token("x"))));
}

TEST_P(TokenStoreContract, ALeaseEndsByTheStoresClock) {
  ASSERT_TRUE(claim("a", 0, 0, 50ms).granted);
  Claim next;
  do next = claim("b", 0);
  while (!next.granted);
  EXPECT_EQ(next.row.claimed, 2u);
}

TEST_P(TokenStoreContract, RejectedNeverMovesBackNorAhead) {
  publish_up_to(2);
  EXPECT_EQ(claim("a", 2, 1, 0us).row.rejected, 1u);
  EXPECT_EQ(claim("a", 2, 0, 0us).row.rejected, 1u);
  EXPECT_EQ(claim("a", 2, 2, 0us).row.rejected, 2u);
  EXPECT_EQ(claim("a", 2, 1, 0us).row.rejected, 2u);
  // A generation that was never published cannot have been refused.
  EXPECT_EQ(claim("a", 2, 9, 0us).row.rejected, 2u);
  EXPECT_EQ(claim("a", 2, UINT64_MAX, 0us).row.rejected, 2u);
}

TEST_P(TokenStoreContract, RejectedIsRecordedByAClaimThatIsNotGranted) {
  publish_up_to(1);
  ASSERT_TRUE(claim("a", 1).granted);
  const Claim refused = claim("b", 1, 1);
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.row.rejected, 1u);
  EXPECT_EQ(row().rejected, 1u);
  EXPECT_EQ(row().lease_owner, "a");
}

TEST_P(TokenStoreContract, SlotsDoNotMix) {
  ASSERT_TRUE(claim("a", 0).granted);
  EXPECT_TRUE(must(store_->claim("Slot", "b", 0, 0, 1h)).granted);
  EXPECT_TRUE(must(store_->claim("slot ", "b", 0, 0, 1h)).granted);
  EXPECT_TRUE(must(store_->claim("sl'ot\" é %", "b", 0, 0, 1h)).granted);
  EXPECT_EQ(row().lease_owner, "a");
}

TEST_P(TokenStoreContract, NamesThatCannotBeStoredAreRefused) {
  using namespace std::string_literals;
  for (const std::string& bad : {""s, std::string(1025, 'x'), "a\0b"s}) {
    EXPECT_EQ(store_->read(bad).error().code, "store.bad_name");
    EXPECT_EQ(store_->claim("slot", bad, 0, 0, 1h).error().code, "store.bad_name");
    EXPECT_EQ(store_->publish("slot", bad, 1, {}).error().code, "store.bad_name");
    EXPECT_EQ(store_->release(bad, "a", 1, 0us).error().code, "store.bad_name");
  }
  const std::string longest(1024, 'x');
  EXPECT_TRUE(must(store_->claim(longest, longest, 0, 0, 1h)).granted);
  EXPECT_EQ(store_->publish("slot", "a", 1, {.sealed = Bytes((1 << 20) + 1)}).error().code,
            "store.too_large");
}

TEST_P(TokenStoreContract, AbsurdDurationsAreBounded) {
  ASSERT_TRUE(claim("a", 0, 0, microseconds::max()).granted);
  EXPECT_LE(row().lease_for, 24h);
  ASSERT_TRUE(must(store_->publish(
      "slot", "a", 1, {.age = microseconds::max(), .expires_in = microseconds::max()})));
  EXPECT_GT(row().token->expires_in, 0us);
  ASSERT_TRUE(claim("a", 1, 0, microseconds::min()).granted);
  EXPECT_EQ(row().lease_for, 0us);
}

TEST_P(TokenStoreContract, SealedBytesAreReplacedOfExactlyThatGenerationAndVersion) {
  publish_up_to(1);  // under version 1
  EXPECT_THAT(must(store_->slots_to_rekey(2)), ::testing::ElementsAre("slot"));
  EXPECT_THAT(must(store_->slots_to_rekey(1)), ::testing::IsEmpty());
  EXPECT_FALSE(must(store_->replace_sealed("slot", 2, 1, as_bytes("new"), 2)));
  EXPECT_FALSE(must(store_->replace_sealed("slot", 1, 2, as_bytes("new"), 2)));
  EXPECT_FALSE(must(store_->replace_sealed("other", 1, 1, as_bytes("new"), 2)));
  const TokenRow before = row();
  EXPECT_TRUE(must(store_->replace_sealed("slot", 1, 1, as_bytes("new"), 2)));
  EXPECT_FALSE(must(store_->replace_sealed("slot", 1, 1, as_bytes("newer"), 2)));
  const TokenRow after = row();
  EXPECT_EQ(after.token->sealed, to_bytes("new"));
  EXPECT_EQ(after.token->key_version, 2u);
  EXPECT_EQ(after.generation, before.generation);
  EXPECT_EQ(after.token->age + after.token->expires_in,
            before.token->age + before.token->expires_in);
  EXPECT_THAT(must(store_->slots_to_rekey(1)), ::testing::ElementsAre("slot"));
}

// Each round all claim what they saw; whoever is granted publishes. Exactly one may be.
TEST_P(TokenStoreContract, ManyThatClaimAtOnceGetOneGrantAGeneration) {
  constexpr int threads = 8;
  constexpr uint64_t generations = 10;
  std::atomic<int> grants = 0;
  std::barrier round(threads);
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, owner = "owner " + std::to_string(i)] {
        const auto mine = bed_->open();
        for (uint64_t seen = 0; seen < generations; ++seen) {
          round.arrive_and_wait();
          if (must(mine->claim("slot", owner, seen, 0, 1h)).granted) {
            ++grants;
            if (!must(mine->publish("slot", owner, seen + 1, token(owner)))) panic("a lost token");
          }
        }
      });
    }
  }
  EXPECT_EQ(grants, static_cast<int>(generations));
  EXPECT_EQ(row().generation, generations);
  EXPECT_EQ(row().claimed, generations);
}

// Owners that die: nobody publishes, leases end at once. Every number is given out once.
TEST_P(TokenStoreContract, NoNumberIsGivenOutTwice) {
  constexpr int threads = 8;
  constexpr int claims = 10;
  std::array<std::atomic<int>, threads * claims + 1> given{};
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, owner = "owner " + std::to_string(i)] {
        const auto mine = bed_->open();
        for (int n = 0; n < claims; ++n) {
          const Claim got = must(mine->claim("slot", owner, 0, 0, 0us));
          if (got.granted) ++given.at(got.row.claimed);
        }
      });
    }
  }
  int total = 0;
  for (const auto& times : given) {
    EXPECT_LE(times, 1);
    total += times;
  }
  EXPECT_EQ(row().claimed, static_cast<uint64_t>(total));
  EXPECT_GT(total, 0);
}

TEST_P(TokenStoreContract, ManyThatStartAtOnceMakeOneSchema) {
  const TokenStoreTestbed fresh(GetParam());
  std::barrier start(8);
  std::vector<std::jthread> running;
  std::atomic<int> grants = 0;
  for (int i = 0; i < 8; ++i) {
    running.emplace_back([&] {
      start.arrive_and_wait();
      const auto mine = fresh.open();
      if (must(mine->claim("slot", "x", 0, 0, 1h)).granted) ++grants;
    });
  }
  running.clear();
  EXPECT_EQ(grants, 1);
}

TEST_P(TokenStoreContract, WhatWasWrittenIsThereForTheNextProcess) {
  publish_up_to(3);
  store_.reset();
  store_ = bed_->open();
  EXPECT_EQ(row().generation, 3u);
  EXPECT_TRUE(row().token);
}

INSTANTIATE_TEST_SUITE_P(On, TokenStoreContract,
                         ::testing::Values(StoreKind::sqlite, StoreKind::postgres),
                         [](const auto& kind) {
                           return kind.param == StoreKind::sqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace countersign::store
