// The store is away, comes back, answers late, or was replaced.

#include <filesystem>

#include <gtest/gtest.h>

#include "consumer/shared_token_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

class SharedTokensOutage : public SharedTokens {
 protected:
  void all_away(bool away) {
    settle();
    for (const auto& made : processes_) made->store->away = away;
  }
};

TEST_F(SharedTokensOutage, AProcessWithoutItsStoreRenewsAloneAndSaysSoOnce) {
  Process& made = process();
  made.store->away = true;
  made.slot->start();
  settle();
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_TRUE(made.slot->state()->sharing.alone);
  EXPECT_EQ(made.slot->state()->sharing.why_alone.code, "test.store_away");
  pass(200s);
  EXPECT_EQ(sink_.count("token_store.away"), 1u);
  EXPECT_LE(grants_, 4) << "no more often than its share of the lifetime says";
  EXPECT_NE(made.value(), "none");
}

TEST_F(SharedTokensOutage, SharingComesBackByItselfAndTheTokenIsOffered) {
  Process& first = process();
  Process& second = process();
  all_away(true);
  first.slot->start();
  pass(1s);
  second.slot->start();
  settle();
  EXPECT_EQ(grants_, 2) << "each renews alone";
  all_away(false);
  pass(10s);
  EXPECT_FALSE(first.slot->state()->sharing.alone);
  EXPECT_EQ(sink_.count("token_store.back"), 2u);
  EXPECT_EQ(first.value(), "Bearer t2") << "the younger one is everybody's";
  EXPECT_EQ(second.value(), "Bearer t2");
  EXPECT_EQ(grants_, 2);
  EXPECT_EQ(first.state().generation, second.state().generation);
  EXPECT_EQ(row().generation, first.state().generation);
}

TEST_F(SharedTokensOutage, AnOutageDoesNotTouchATokenThatIsThere) {
  Process& made = started();
  all_away(true);
  pass(50s);
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_EQ(grants_, 1);
  EXPECT_TRUE(made.slot->state()->sharing.alone) << "noticed between renewals too";
  all_away(false);
  pass(4s);
  EXPECT_FALSE(made.slot->state()->sharing.alone);
}

TEST_F(SharedTokensOutage, ATokenThatCannotBePublishedIsUsedAndPublishedLater) {
  Process& made = process();
  made.store->before_publish = [&] { made.store->away = true; };
  made.store->lose_answer_of = "publish";
  made.slot->start();
  settle();
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_TRUE(made.slot->state()->sharing.alone);
  made.store->away = false;
  pass(5s);
  EXPECT_EQ(made.state().generation, 1u);
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_EQ(grants_, 1);
}

TEST_F(SharedTokensOutage, APublicationWhoseAnswerWasLostIsRecognised) {
  Process& made = process();
  made.store->lose_answer_of = "publish";
  made.slot->start();
  settle();
  EXPECT_EQ(row().generation, 1u);
  EXPECT_EQ(made.state().generation, 0u);
  pass(4s);
  EXPECT_EQ(made.state().generation, 1u);
  EXPECT_EQ(made.slot->state()->same_token, 0u) << "its own token is not the issuer's repetition";
  EXPECT_EQ(row().claimed, 1u);
}

TEST_F(SharedTokensOutage, AClaimWhoseAnswerWasLostIsUsedForTheOfferOnce) {
  Process& made = process();
  made.store->lose_answer_of = "claim";
  made.slot->start();
  settle();
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_EQ(row().claimed, 1u);
  pass(4s);
  EXPECT_EQ(row().generation, 1u);
  EXPECT_EQ(made.state().generation, 1u);
  EXPECT_EQ(grants_, 1);
}

TEST_F(SharedTokensOutage, AReleaseThatIsLostOnlyCostsTheLease) {
  Process& made = process();
  made.issuer.fails();
  made.store->lose_answer_of = "release";
  made.slot->start();
  pass(20s);
  EXPECT_EQ(made.value(), "Bearer t1");
  EXPECT_FALSE(made.slot->state()->sharing.alone);
}

TEST_F(SharedTokensOutage, AStoreThatWasReplacedGetsTheTokenAndIsFollowed) {
  Process& first = started();
  Process& second = started();
  pass(20s);
  first.reader->reject(first.generation());
  pass(5s);
  ASSERT_EQ(row().generation, 2u);
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(folder_ / "tokens.db" + end);
  pass(8s);
  EXPECT_EQ(row().generation, first.state().generation);
  EXPECT_EQ(first.state().generation, second.state().generation);
  EXPECT_EQ(first.value(), "Bearer t2");
  EXPECT_EQ(second.value(), "Bearer t2");
  EXPECT_EQ(grants_, 2);
  second.reader->reject(second.generation());
  pass(4s);
  EXPECT_EQ(first.value(), "Bearer t3")
      << "what was refused before is not taken for the new store's";
}

TEST_F(SharedTokensOutage, AnOfferDoesNotReplaceAYoungerToken) {
  Process& alone = process();
  alone.store->away = true;
  alone.slot->start();
  settle();
  ASSERT_EQ(alone.value(), "Bearer t1");
  pass(1s);
  Process& other = started();
  ASSERT_EQ(other.value(), "Bearer t2");
  alone.store->away = false;
  pass(4s);
  EXPECT_EQ(alone.value(), "Bearer t2");
  EXPECT_EQ(row().generation, 1u);
}

TEST_F(SharedTokensOutage, AnUnsharedTokenThatWasRefusedIsNotOffered) {
  Process& alone = process();
  alone.store->away = true;
  alone.slot->start();
  pass(20s);
  alone.issuer.otherwise_fails();
  alone.reader->reject(alone.generation());
  settle();
  alone.store->away = false;
  pass(5s);
  EXPECT_EQ(row().generation, 0u);
  EXPECT_EQ(alone.value(), "none");
}

}  // namespace
}  // namespace countersign::consumer
