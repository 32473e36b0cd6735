// Journalled requests under a new key, in SQLite and in PostgreSQL.

#include <functional>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgres_journal.h"
#include "store/rekey.h"
#include "store/sqlite_journal.h"
#include "support/fake_entropy.h"
#include "support/postgres_server.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PostgresServer;

const std::string key_1 = "1:" + std::string(43, 'A') + "\n";
const std::string key_2 = "2:" + std::string(42, 'B') + "A\n";
const std::string key_3 = "3:" + std::string(42, 'C') + "A\n";

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  return *std::move(result);
}

// Forwards to a journal, and lets a test come in between looking at an entry and replacing it.
class Interrupted final : public Journal {
 public:
  explicit Interrupted(Journal& journal) : journal_(journal) {}
  std::function<void()> before_replace = [] {};

  Result<std::vector<JournalStart>> write(std::span<const JournalBegin> begins,
                                          std::span<const JournalEnd> ends,
                                          int64_t entries_max) override {
    return journal_.write(begins, ends, entries_max);
  }
  Result<std::optional<JournalEntry>> find(std::string_view api, std::string_view key) override {
    return journal_.find(api, key);
  }
  Result<std::vector<JournalEntry>> unresolved(std::string_view api, std::string_view key,
                                               size_t limit) override {
    return journal_.unresolved(api, key, limit);
  }
  Result<std::optional<uint64_t>> take_over(std::string_view api, std::string_view key,
                                            uint64_t seen,
                                            std::chrono::microseconds hold_for) override {
    return journal_.take_over(api, key, seen, hold_for);
  }
  Result<std::vector<JournalEntry>> to_rekey(uint32_t version, std::string_view api,
                                             std::string_view key, size_t limit) override {
    return journal_.to_rekey(version, api, key, limit);
  }
  Result<bool> replace_sealed(const JournalEntry& seen, ByteView sealed,
                              uint32_t new_version) override {
    before_replace();
    return journal_.replace_sealed(seen, sealed, new_version);
  }
  Result<int64_t> purge(const JournalLimits& limits, int64_t limit) override {
    return journal_.purge(limits, limit);
  }

 private:
  Journal& journal_;
};

class JournalRekey : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) {
      journal_ = must(SqliteJournal::open(folder_ / "journal.db", clock_));
      return;
    }
    if (!PostgresServer::installed()) GTEST_SKIP() << PostgresServer::how_to_install;
    PostgresOptions options;
    options.conninfo =
        PostgresServer::shared().conninfo(PostgresServer::shared().create_database());
    journal_ = must(PostgresJournal::open(std::move(options), clock_));
  }
  static SealingKeys keys(const std::string& text) {
    return must(SealingKeys::parse(Secret::copy_of(text)));
  }
  // A call begins, its request sealed under the newest of `with`. The attempt's number.
  uint64_t begin(const std::string& key, const SealingKeys& with, std::string_view request) {
    const std::string name = journal_row_name("acme", key);
    const Sealed sealed = must(with.seal(as_bytes(request), journal_row_of(name), entropy_));
    const JournalBegin made{.api = "acme",
                            .key = key,
                            .key_honoured = true,
                            .sealed = sealed.bytes,
                            .key_version = sealed.key_version,
                            .hold_for = 1h};
    const auto starts = must(journal_->write({&made, 1}, {}, 10'000));
    EXPECT_EQ(starts.at(0).verdict, JournalVerdict::started);
    return starts.at(0).attempt;
  }
  void end(const std::string& key, uint64_t attempt, JournalState state) {
    const JournalEnd made{.api = "acme", .key = key, .attempt = attempt, .state = state};
    must(journal_->write({}, {&made, 1}, 10'000));
  }
  JournalEntry find(const std::string& key) { return must(journal_->find("acme", key)).value(); }
  std::string opened(const std::string& key, const SealingKeys& with) {
    const JournalEntry entry = find(key);
    const std::string name = journal_row_name("acme", key);
    const auto text = with.open(entry.sealed, entry.key_version, journal_row_of(name));
    return text ? std::string(text->unsafe_reveal_text()) : text.error().code;
  }

  SystemClock clock_;
  testing::FakeEntropy entropy_;
  testing::TemporaryFolder folder_;
  std::unique_ptr<Journal> journal_;
};

TEST_P(JournalRekey, EveryRequestThatIsKeptEndsUnderTheNewestKey) {
  begin("pending", keys(key_1), "one");
  end("unknown", begin("unknown", keys(key_2), "two"), JournalState::unknown);
  begin("newest", keys(key_3), "three");
  end("answered", begin("answered", keys(key_1), "four"), JournalState::answered);
  const RekeyReport report = must(rekey(*journal_, keys(key_1 + key_2 + key_3), entropy_));
  EXPECT_EQ(report.rekeyed, 2);
  EXPECT_EQ(report.changed_meanwhile + report.not_opened, 0);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(opened("pending", keys(key_3)), "one");
  EXPECT_EQ(opened("unknown", keys(key_3)), "two");
  EXPECT_EQ(opened("newest", keys(key_3)), "three");
  EXPECT_TRUE(find("answered").sealed.empty());
}

TEST_P(JournalRekey, NothingElseOfAnEntryChanges) {
  const uint64_t attempt = begin("k", keys(key_1), "request");
  const JournalEntry before = find("k");
  must(rekey(*journal_, keys(key_1 + key_2), entropy_));
  const JournalEntry after = find("k");
  EXPECT_EQ(after.state, JournalState::pending);
  EXPECT_EQ(after.attempt, attempt);
  EXPECT_EQ(after.digest, before.digest);
  EXPECT_EQ(after.changed_at, before.changed_at);
  EXPECT_GT(after.held_for, 50min) << "its call goes on";
  end("k", attempt, JournalState::answered);
  EXPECT_EQ(find("k").state, JournalState::answered);
}

TEST_P(JournalRekey, ASecondRunFindsNothingToDo) {
  begin("k", keys(key_1), "request");
  must(rekey(*journal_, keys(key_1 + key_2), entropy_));
  const Bytes before = find("k").sealed;
  const RekeyReport report = must(rekey(*journal_, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed + report.changed_meanwhile + report.not_opened, 0);
  EXPECT_EQ(find("k").sealed, before);
}

TEST_P(JournalRekey, GoesThroughAsManyEntriesAsThereAre) {
  for (int i = 0; i < 250; ++i) begin("k" + std::to_string(i), keys(key_1), "request");
  const RekeyReport report = must(rekey(*journal_, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed, 250);
  EXPECT_TRUE(report.complete());
}

TEST_P(JournalRekey, EntriesWhoseKeyIsMissingAreLeftAndNamed) {
  begin("a", keys(key_1), "one");
  begin("b", keys(key_2), "two");
  const RekeyReport report = must(rekey(*journal_, keys(key_2 + key_3), entropy_));
  EXPECT_EQ(report.rekeyed, 1);
  EXPECT_EQ(report.not_opened, 1);
  EXPECT_THAT(report.missing_versions, ElementsAre(1));
  EXPECT_EQ(report.remaining, 1);
  EXPECT_EQ(opened("a", keys(key_1)), "one");
}

TEST_P(JournalRekey, EntriesThatDoNotVerifyAreLeft) {
  begin("a", keys(key_1), "one");
  begin("b", keys(key_1), "two");
  ASSERT_TRUE(must(journal_->replace_sealed(find("a"), find("b").sealed, 1)));
  const RekeyReport report = must(rekey(*journal_, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed, 1);
  EXPECT_EQ(report.not_opened, 1);
  EXPECT_THAT(report.missing_versions, IsEmpty());
  EXPECT_EQ(report.remaining, 1);
}

TEST_P(JournalRekey, AnAttemptThatBeginsMeanwhileKeepsItsOwnRequest) {
  const uint64_t attempt = begin("k", keys(key_1), "first");
  end("k", attempt, JournalState::unknown);
  Interrupted beside(*journal_);
  beside.before_replace = [&] { begin("k", keys(key_1), "second"); };
  const RekeyReport report = must(rekey(beside, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed, 0);
  EXPECT_EQ(report.changed_meanwhile, 1);
  EXPECT_EQ(report.remaining, 1) << "its process still seals with the old key";
  EXPECT_EQ(opened("k", keys(key_1)), "second");
}

TEST_P(JournalRekey, AnEntryThatIsAnsweredMeanwhileStaysEmpty) {
  const uint64_t attempt = begin("k", keys(key_1), "request");
  Interrupted beside(*journal_);
  beside.before_replace = [&] { end("k", attempt, JournalState::answered); };
  const RekeyReport report = must(rekey(beside, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.changed_meanwhile, 1);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(find("k").sealed.empty());
}

TEST(JournalRowName, TellsApisAndKeysApart) {
  EXPECT_NE(journal_row_name("a", "bc"), journal_row_name("ab", "c"));
  EXPECT_NE(journal_row_name("1:a", "b"), journal_row_name("1", ":ab"));
}

INSTANTIATE_TEST_SUITE_P(Databases, JournalRekey, ::testing::Bool(), [](const auto& database) {
  return database.param ? "Postgres" : "Sqlite";
});

}  // namespace
}  // namespace countersign::store
