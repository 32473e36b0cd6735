#include "store/sqlite.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

std::unique_ptr<Database> open_or_die(const std::string& path,
                                      const DatabaseOptions& options = {}) {
  auto database = Database::open(path, options);
  if (!database) panic(database.error().for_log());
  return *std::move(database);
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

// Runs `work` in a child process, which ends without destructors; its exit status.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class DatabaseTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = folder_ / "data.db";
};

TEST_F(DatabaseTest, MakesItsFilesReadableByTheOwnerOnly) {
  const auto database = open_or_die(path_);
  ASSERT_TRUE(database->execute("CREATE TABLE t (a INTEGER) STRICT"));
  EXPECT_EQ(mode_of(path_), 0600u);
  EXPECT_EQ(mode_of(path_ + "-wal"), 0600u);
  EXPECT_EQ(mode_of(path_ + "-shm"), 0600u);
}

TEST_F(DatabaseTest, OpensWithTheSettingsThatKeepDataSafe) {
  const auto database = open_or_die(path_);
  EXPECT_EQ(*database->query_integer("PRAGMA synchronous"), 2);
  EXPECT_EQ(*database->query_integer("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(*database->query_integer("PRAGMA trusted_schema"), 0);
  EXPECT_EQ(*database->query_integer("PRAGMA busy_timeout"), 5000);
  auto mode = database->prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode->step());
  EXPECT_EQ(mode->text(0), "wal");
  const auto fast = open_or_die(path_, {.durability = Durability::normal});
  EXPECT_EQ(*fast->query_integer("PRAGMA synchronous"), 1);
}

TEST_F(DatabaseTest, RefusesAFileThatOthersMayReadOrWrite) {
  {
    const auto made = open_or_die(path_);
  }
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0644u}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto refused = Database::open(path_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "store.file_permissions");
    EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
    EXPECT_THAT(refused.error().public_text, HasSubstr(path_));
    EXPECT_THAT(refused.error().public_text, HasSubstr("chmod 600"));
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  EXPECT_TRUE(Database::open(path_));
}

TEST_F(DatabaseTest, RefusesAWriteAheadLogThatOthersMayRead) {
  const auto database = open_or_die(path_);
  ASSERT_TRUE(database->execute("CREATE TABLE t (a INTEGER) STRICT"));
  ASSERT_EQ(::chmod((path_ + "-wal").c_str(), 0644), 0);
  const auto refused = Database::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().public_text, HasSubstr("data.db-wal"));
}

TEST_F(DatabaseTest, RefusesWhatIsNotARegularFile) {
  ASSERT_TRUE(std::filesystem::create_directory(path_));
  const auto refused = Database::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.file_permissions");
}

TEST_F(DatabaseTest, DoesNotMakeAFileUnlessAskedTo) {
  const auto refused = Database::open(path_, {.create = false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(refused.error().public_text, HasSubstr("does not exist"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DatabaseTest, NamesTheFolderThatIsMissing) {
  const auto refused = Database::open(folder_ / "absent/data.db");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(refused.error().public_text, HasSubstr("its folder must exist"));
}

TEST_F(DatabaseTest, RefusesPathsThatNameNoFile) {
  EXPECT_FALSE(Database::open(""));
  EXPECT_FALSE(Database::open(std::string("a\0b", 3)));
}

TEST_F(DatabaseTest, TakesAPathForAFileNameAndNeverForAUri) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  {
    const auto database = open_or_die("file:data.db?mode=memory");
  }
  std::filesystem::current_path(before);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "file:data.db?mode=memory"));
}

TEST_F(DatabaseTest, SaysThatAFileIsNotADatabase) {
  std::ofstream(path_) << std::string(4096, 'x');
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  const auto refused = Database::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(refused.error().code, "store.corrupt");
}

TEST_F(DatabaseTest, SaysThatAPageIsDamaged) {
  {
    const auto database = open_or_die(path_);
    ASSERT_TRUE(database->execute("CREATE TABLE t (a INTEGER, b TEXT) STRICT"));
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(database->run("INSERT INTO t VALUES (?1, ?2)", i, std::string(200, 'b')));
    }
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(3 * 4096, '\xff');
  file.close();
  const auto database = open_or_die(path_);
  const auto read = database->query_integer("SELECT sum(a) FROM t");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::corrupt);
}

TEST_F(DatabaseTest, RefusesToWriteWhatWasOpenedReadOnly) {
  const auto writer = open_or_die(path_);
  ASSERT_TRUE(writer->execute("CREATE TABLE t (a INTEGER) STRICT"));
  const auto reader = open_or_die(path_, {.read_only = true});
  EXPECT_TRUE(reader->query_integer("SELECT count(*) FROM t"));
  const auto refused = reader->run("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.read_only");
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
}

TEST_F(DatabaseTest, MapsAFullDatabaseToUnavailableAndKeepsWhatWasThere) {
  const auto database = open_or_die(path_);
  ASSERT_TRUE(database->execute("CREATE TABLE t (a TEXT) STRICT; INSERT INTO t VALUES ('kept');"));
  ASSERT_TRUE(database->query_integer("PRAGMA max_page_count = 4"));
  const auto refused = database->run("INSERT INTO t VALUES (?1)", std::string(100'000, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.full");
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(*database->query_integer("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, MapsAFileSizeLimitOfTheSystemToUnavailable) {
  {
    const auto database = open_or_die(path_);
    ASSERT_TRUE(database->execute("CREATE TABLE t (a TEXT) STRICT"));
  }
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{65536, 65536};
    const auto database = open_or_die(path_);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto refused = database->run("INSERT INTO t VALUES (?1)", std::string(1'000'000, 'x'));
    return !refused && refused.error().kind == ErrorKind::unavailable ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*open_or_die(path_)->query_integer("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, MapsAHeldLockToUnavailable) {
  const auto first = open_or_die(path_);
  const auto second = open_or_die(path_, {.busy_timeout = std::chrono::milliseconds(0)});
  const auto held = Transaction::begin(*first);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(*second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.busy");
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST_F(DatabaseTest, NamesTheKindOfConstraintThatWasHurt) {
  const auto database = open_or_die(path_);
  ASSERT_TRUE(database->execute(
      "CREATE TABLE p (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c INTEGER CHECK (c > 0)) STRICT;"
      "CREATE TABLE q (p INTEGER REFERENCES p (a)) STRICT;"
      "INSERT INTO p VALUES (1, 'x', 1);"));
  EXPECT_EQ(database->run("INSERT INTO p VALUES (1, 'y', 1)").error().code, "store.duplicate");
  EXPECT_EQ(database->run("INSERT INTO p VALUES (2, 'x', 1)").error().code, "store.duplicate");
  EXPECT_EQ(database->run("INSERT INTO p VALUES (2, 'y', 0)").error().code, "store.constraint");
  EXPECT_EQ(database->run("INSERT INTO q VALUES (9)").error().code, "store.constraint");
  EXPECT_EQ(database->run("INSERT INTO q VALUES (9)").error().kind, ErrorKind::conflict);
}

TEST_F(DatabaseTest, GivesUpWhenInterrupted) {
  const auto database = open_or_die(path_);
  ASSERT_TRUE(database->execute("CREATE TABLE t (a INTEGER) STRICT"));
  std::atomic<bool> done = false;
  std::thread interrupter([&] {
    while (!done) database->interrupt();
  });
  const auto stopped = database->run(
      "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i "
      "FROM n");
  done = true;
  interrupter.join();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, "store.interrupted");
  EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(*database->query_integer("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, RefusesStringsInDoubleQuotesAndLoadedExtensions) {
  const auto database = open_or_die(path_);
  EXPECT_EQ(database->prepare("SELECT \"no_such_column\"").error().kind, ErrorKind::internal);
  EXPECT_FALSE(database->run("SELECT load_extension('x')"));
}

TEST_F(DatabaseTest, LivesInMemoryIfAskedTo) {
  const auto database = open_or_die(":memory:");
  ASSERT_TRUE(database->execute("CREATE TABLE t (a INTEGER) STRICT"));
  ASSERT_TRUE(database->run("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(database->changes(), 1);
}

class StatementTest : public ::testing::Test {
 protected:
  StatementTest() {
    if (!database_->execute("CREATE TABLE t (i INTEGER, s TEXT, b BLOB) STRICT")) panic("no table");
  }
  std::unique_ptr<Database> database_ = open_or_die(":memory:");
};

TEST_F(StatementTest, ReadsBackEveryTypeAsItWasBound) {
  const Bytes blob{0, 1, 255};
  const std::string text("a\0b ü", 6);
  ASSERT_TRUE(
      database_->run("INSERT INTO t VALUES (?1, ?2, ?3)", int64_t{1} << 62, text, ByteView(blob)));
  auto row = database_->prepare("SELECT i, s, b FROM t");
  ASSERT_TRUE(*row->step());
  EXPECT_EQ(row->integer(0), int64_t{1} << 62);
  EXPECT_EQ(row->text(1), text);
  EXPECT_EQ(row->blob(2), blob);
  EXPECT_TRUE(row->check_row());
  EXPECT_FALSE(*row->step());
}

TEST_F(StatementTest, TellsEmptyFromAbsent) {
  ASSERT_TRUE(database_->run("INSERT INTO t VALUES (?1, ?2, ?3)", std::optional<int64_t>(),
                             std::string_view(), ByteView()));
  auto row = database_->prepare("SELECT i, s, b FROM t");
  ASSERT_TRUE(*row->step());
  EXPECT_EQ(row->optional_integer(0), std::nullopt);
  EXPECT_EQ(row->optional_time(0), std::nullopt);
  EXPECT_EQ(row->optional_text(1), "");
  EXPECT_EQ(row->blob(2), Bytes{});
  EXPECT_TRUE(row->check_row());
}

TEST_F(StatementTest, KeepsTimesToTheMicrosecond) {
  const WallTime time(std::chrono::microseconds(1'800'000'000'000'001));
  ASSERT_TRUE(database_->run("INSERT INTO t (i) VALUES (?1)", time));
  auto row = database_->prepare("SELECT i FROM t");
  ASSERT_TRUE(*row->step());
  EXPECT_EQ(row->time(0), time);
}

TEST_F(StatementTest, ReportsAColumnOfAnotherTypeAtTheNextStep) {
  ASSERT_TRUE(database_->run("INSERT INTO t (i, s) VALUES (1, 'x'), (2, 'y')"));
  auto row = database_->prepare("SELECT i, s FROM t");
  ASSERT_TRUE(*row->step());
  EXPECT_EQ(row->integer(1), 0);
  EXPECT_EQ(row->check_row().error().code, "store.corrupt");
  EXPECT_EQ(row->step().error().code, "store.corrupt");
}

TEST_F(StatementTest, ReportsABindingThatDoesNotExistAtTheNextStep) {
  auto row = database_->prepare("SELECT ?1");
  row->bind(2, 5);
  EXPECT_FALSE(row->step());
}

TEST_F(StatementTest, RefusesMoreThanOneStatementAndNone) {
  EXPECT_EQ(database_->prepare("SELECT 1; SELECT 2").error().code, "store.sql");
  EXPECT_EQ(database_->prepare("").error().code, "store.sql");
  EXPECT_TRUE(database_->prepare("SELECT 1; "));
}

TEST_F(StatementTest, StartsWithoutTheBindingsOfItsLastUse) {
  ASSERT_TRUE(database_->query_integer("SELECT ?1", 7));
  EXPECT_EQ(*database_->query_integer("SELECT ?1"), std::nullopt);
}

TEST_F(StatementTest, ServesTwoUsesOfOneTextAtATime) {
  ASSERT_TRUE(database_->run("INSERT INTO t (i) VALUES (1), (2)"));
  auto outer = database_->prepare("SELECT i FROM t");
  ASSERT_TRUE(*outer->step());
  auto inner = database_->prepare("SELECT i FROM t");
  ASSERT_TRUE(*inner->step());
  ASSERT_TRUE(*inner->step());
  EXPECT_EQ(outer->integer(0), 1);
  EXPECT_EQ(inner->integer(0), 2);
}

class TransactionTest : public DatabaseTest {
 protected:
  TransactionTest() {
    if (!database_->execute("CREATE TABLE t (a INTEGER) STRICT")) panic("no table");
  }
  int64_t count() { return database_->query_integer("SELECT count(*) FROM t")->value(); }
  std::unique_ptr<Database> database_ = open_or_die(path_);
};

TEST_F(TransactionTest, IsUndoneUnlessCommitted) {
  {
    const auto transaction = Transaction::begin(*database_);
    ASSERT_TRUE(transaction && database_->run("INSERT INTO t VALUES (1)"));
  }
  EXPECT_FALSE(database_->in_transaction());
  EXPECT_EQ(count(), 0);
  auto transaction = Transaction::begin(*database_);
  ASSERT_TRUE(database_->run("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(count(), 1);
}

TEST_F(TransactionTest, ReadsOneMomentWhileOthersWrite) {
  const auto reader = open_or_die(path_);
  const auto snapshot = Transaction::begin_read(*reader);
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t")->value(), 0);
  ASSERT_TRUE(database_->run("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t")->value(), 0);
}

TEST_F(TransactionTest, LeavesNothingHalfWrittenWhenItsProcessIsKilled) {
  for (int round = 0; round < 5; ++round) {
    database_.reset();  // a connection must not be carried into a forked process
    const int status = in_child([&] {
      const auto mine = open_or_die(path_);
      const auto transaction = Transaction::begin(*mine);
      for (int i = 0; i < 500; ++i) {
        if (!mine->run("INSERT INTO t VALUES (?1)", i)) return 1;
      }
      ::kill(::getpid(), SIGKILL);
      return 0;
    });
    EXPECT_EQ(status, -SIGKILL);
    database_ = open_or_die(path_);
    EXPECT_EQ(count(), 0);
  }
}

TEST_F(TransactionTest, SurvivesAKillOnceCommitted) {
  database_.reset();
  const int status = in_child([&] {
    const auto mine = open_or_die(path_);
    auto transaction = Transaction::begin(*mine);
    if (!mine->run("INSERT INTO t VALUES (1)") || !transaction->commit()) return 1;
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  EXPECT_EQ(status, -SIGKILL);
  database_ = open_or_die(path_);
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace countersign::store
