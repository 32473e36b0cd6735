// One suite for the journal in SQLite and in PostgreSQL.

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "store/postgres_journal.h"
#include "store/sqlite_journal.h"
#include "support/postgres_server.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;
using testing::PostgresServer;
using testing::TemporaryFolder;

class JournalTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !PostgresServer::installed()) GTEST_SKIP() << PostgresServer::how_to_install;
    if (GetParam()) database_ = PostgresServer::shared().create_database();
    journal_ = open();
  }
  std::unique_ptr<Journal> open() {
    if (!GetParam()) return std::move(*SqliteJournal::open(folder_ / "journal.db", clock_));
    PostgresOptions options;
    options.conninfo = PostgresServer::shared().conninfo(database_);
    return std::move(*PostgresJournal::open(std::move(options), clock_));
  }
  static JournalBegin entry(std::string key, uint8_t digest = 1) {
    JournalBegin made{.api = "acme",
                      .key = std::move(key),
                      .key_honoured = true,
                      .sealed = {1, 2, 3},
                      .key_version = 7,
                      .hold_for = 1h};
    made.digest.fill(digest);
    return made;
  }
  JournalStart begin(const JournalBegin& made, int64_t entries_max = 1000) {
    const auto starts = journal_->write({&made, 1}, {}, entries_max);
    if (!starts) panic(starts.error().for_log());
    return starts->at(0);
  }
  void end(std::string key, uint64_t attempt, JournalState state, int status = 0) {
    const JournalEnd made{.api = "acme",
                          .key = std::move(key),
                          .attempt = attempt,
                          .state = state,
                          .status = status,
                          .code = "c"};
    ASSERT_TRUE(journal_->write({}, {&made, 1}, 1000));
  }
  JournalEntry find(std::string_view key) {
    auto found = journal_->find("acme", key);
    if (!found || !*found) panic("no such entry");
    return **std::move(found);
  }

  SystemClock clock_;
  TemporaryFolder folder_;
  std::string database_;
  std::unique_ptr<Journal> journal_;
};

TEST_P(JournalTest, KeepsWhatItWasGivenUntilItIsAnswered) {
  const JournalStart start = begin(entry("k"));
  EXPECT_EQ(start.verdict, JournalVerdict::started);
  EXPECT_EQ(start.attempt, 1u);
  EXPECT_FALSE(start.maybe_processed);
  JournalEntry found = find("k");
  EXPECT_EQ(found.state, JournalState::pending);
  EXPECT_EQ(found.sealed, (Bytes{1, 2, 3}));
  EXPECT_EQ(found.key_version, 7u);
  EXPECT_EQ(found.digest, entry("k").digest);
  EXPECT_TRUE(found.key_sent);
  EXPECT_GT(found.held_for, 50min);
  end("k", 1, JournalState::answered, 201);
  journal_ = open();  // another process
  found = find("k");
  EXPECT_EQ(found.state, JournalState::answered);
  EXPECT_EQ(found.status, 201);
  EXPECT_EQ(found.code, "c");
  EXPECT_TRUE(found.sealed.empty());
  EXPECT_EQ(found.held_for, 0s);
  EXPECT_FALSE(*journal_->find("other", "k"));
}

TEST_P(JournalTest, TheSameKeyStandsForOneRequestAndForOneCallAtATime) {
  begin(entry("k"));
  EXPECT_EQ(begin(entry("k", 2)).verdict, JournalVerdict::key_reused);
  EXPECT_EQ(begin(entry("k")).verdict, JournalVerdict::in_flight);
  JournalBegin elsewhere = entry("k", 2);
  elsewhere.api = "other";
  EXPECT_EQ(begin(elsewhere).verdict, JournalVerdict::started);
  const JournalBegin both[] = {entry("b"), entry("b")};
  const auto starts = journal_->write(both, {}, 1000);
  ASSERT_TRUE(starts);
  EXPECT_EQ(starts->at(0).verdict, JournalVerdict::started);
  EXPECT_EQ(starts->at(1).verdict, JournalVerdict::in_flight);
}

TEST_P(JournalTest, WhatWasAnsweredIsSentAgainOnlyWhereTheProviderHonoursKeys) {
  begin(entry("k"));
  end("k", 1, JournalState::answered, 201);
  EXPECT_EQ(begin(entry("k")).verdict, JournalVerdict::resent);
  JournalBegin plain = entry("k");
  plain.key_honoured = false;
  EXPECT_EQ(begin(plain).verdict, JournalVerdict::may_be_doubled);
  begin(entry("refused"));
  end("refused", 1, JournalState::answered, 422);
  plain.key = "refused";
  const JournalStart again = begin(plain);
  EXPECT_EQ(again.verdict, JournalVerdict::started) << "nothing was done";
  EXPECT_EQ(again.attempt, 2u);
}

TEST_P(JournalTest, WhatIsUnknownIsStartedAgainAndStaysUnknownUntilItIsAnswered) {
  begin(entry("k"));
  end("k", 1, JournalState::unknown);
  JournalBegin plain = entry("k");
  plain.key_honoured = false;
  EXPECT_EQ(begin(plain).verdict, JournalVerdict::may_be_doubled);
  const JournalStart again = begin(entry("k"));
  EXPECT_EQ(again.verdict, JournalVerdict::started);
  EXPECT_TRUE(again.maybe_processed);
  end("k", 2, JournalState::not_sent);
  EXPECT_EQ(find("k").state, JournalState::unknown);
  EXPECT_EQ(find("k").sealed, (Bytes{1, 2, 3}));
  begin(entry("k"));
  end("k", 3, JournalState::answered, 201);
  EXPECT_EQ(find("k").state, JournalState::answered);
}

TEST_P(JournalTest, WhatWasNotSentIsAFreshStart) {
  begin(entry("k"));
  end("k", 1, JournalState::not_sent);
  EXPECT_TRUE(find("k").sealed.empty());
  JournalBegin plain = entry("k");
  plain.key_honoured = false;
  const JournalStart again = begin(plain);
  EXPECT_EQ(again.verdict, JournalVerdict::started);
  EXPECT_FALSE(again.maybe_processed);
  EXPECT_EQ(find("k").sealed, (Bytes{1, 2, 3}));
}

TEST_P(JournalTest, WhoComesBackLateChangesNothing) {
  JournalBegin crashed = entry("k");
  crashed.hold_for = 0us;
  begin(crashed);
  const auto taken = journal_->take_over("acme", "k", 1, 1h);
  ASSERT_TRUE(taken && *taken);
  EXPECT_EQ(**taken, 2u);
  end("k", 1, JournalState::answered, 201);
  EXPECT_EQ(find("k").state, JournalState::pending);
  EXPECT_FALSE(*journal_->take_over("acme", "k", 1, 1h)) << "taken already";
  EXPECT_FALSE(*journal_->take_over("acme", "k", 2, 1h)) << "held";
  EXPECT_EQ(begin(entry("k")).verdict, JournalVerdict::in_flight);
  end("k", 2, JournalState::not_sent);
  EXPECT_EQ(find("k").state, JournalState::unknown);
}

TEST_P(JournalTest, ListsWhatIsUnresolvedInOrderAndInPages) {
  for (const char* key : {"c", "a", "b", "done"}) begin(entry(key));
  end("b", 1, JournalState::unknown);
  end("done", 1, JournalState::answered, 200);
  const auto page = journal_->unresolved("", "", 2);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ(page->at(0).key, "a");
  EXPECT_EQ(page->at(1).key, "b");
  const auto rest = journal_->unresolved("acme", "b", 2);
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->size(), 1u);
  EXPECT_EQ(rest->at(0).key, "c");
}

TEST_P(JournalTest, AFullOneRefusesUntilFinishedEntriesMadeRoom) {
  for (int i = 0; i < 10; ++i) begin(entry("k" + std::to_string(i)), 10);
  EXPECT_EQ(begin(entry("more"), 10).verdict, JournalVerdict::full);
  EXPECT_EQ(*journal_->purge({.entries_max = 10}, 100), 0) << "what is open makes no room";
  for (int i = 0; i < 5; ++i) end("k" + std::to_string(i), 1, JournalState::answered, 201);
  EXPECT_EQ(*journal_->purge({.entries_max = 10}, 100), 1);
  EXPECT_EQ(begin(entry("more"), 10).verdict, JournalVerdict::started);
  EXPECT_EQ(*journal_->purge({.keep_finished = 0s}, 3), 3) << "no more than the limit at once";
  EXPECT_EQ(*journal_->purge({.keep_finished = 0s}, 100), 1);
}

TEST_P(JournalTest, OldUnresolvedEntriesGoOnlyAfterTheirOwnTime) {
  begin(entry("held"));
  begin(entry("k"));
  end("k", 1, JournalState::unknown);
  EXPECT_EQ(*journal_->purge({.keep_finished = 0s}, 100), 0);
  EXPECT_EQ(*journal_->purge({.keep_unresolved = 0s}, 100), 1);
  EXPECT_TRUE(*journal_->find("acme", "held"));
}

INSTANTIATE_TEST_SUITE_P(Stores, JournalTest, ::testing::Bool(), [](const auto& parameter) {
  return parameter.param ? "PostgreSQL" : "SQLite";
});

}  // namespace
}  // namespace countersign::store
