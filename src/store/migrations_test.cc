#include "store/migrations.h"

#include <array>
#include <barrier>
#include <csignal>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr Migration first{1, "first",
                          "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"};
constexpr Migration second{2, "second", "UPDATE a SET x = x + 1;"};
constexpr std::array one{first};
constexpr std::array two{first, second};

class MigrationsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    auto database = Database::open(path_);
    if (!database) panic(database.error().for_log());
    return *std::move(database);
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "data.db";
};

TEST_F(MigrationsTest, AreAppliedOnceAndInOrder) {
  const auto database = open();
  ASSERT_TRUE(migrate(*database, one));
  EXPECT_EQ(database->query_integer("SELECT x FROM a")->value(), 1);
  ASSERT_TRUE(migrate(*database, two));
  ASSERT_TRUE(migrate(*database, two));
  EXPECT_EQ(database->query_integer("SELECT x FROM a")->value(), 2);
  EXPECT_EQ(
      database->query_integer("SELECT count(*) FROM schema_migrations WHERE length(sha256) = 32")
          ->value(),
      2);
}

TEST_F(MigrationsTest, OfANewerProgramAreRefusedByName) {
  const auto database = open();
  ASSERT_TRUE(migrate(*database, two));
  const auto refused = migrate(*database, one);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
  EXPECT_EQ(refused.error().code, "store.schema_too_new");
  EXPECT_THAT(refused.error().public_text, HasSubstr("migration 2 (second)"));
  EXPECT_THAT(refused.error().public_text, HasSubstr(path_));
}

TEST_F(MigrationsTest, WithAnotherTextOrNameAreRefused) {
  const auto database = open();
  ASSERT_TRUE(migrate(*database, one));
  for (const Migration& other : {Migration{1, "first", "CREATE TABLE a (x TEXT) STRICT;"},
                                 Migration{1, "other", first.sql}}) {
    const auto refused = migrate(*database, std::span(&other, 1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
    EXPECT_EQ(refused.error().code, "store.schema_altered");
  }
}

TEST_F(MigrationsTest, ThatFailLeaveNothingBehind) {
  const auto database = open();
  const std::array bad{
      first,
      Migration{2, "bad", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO absent VALUES (1);"}};
  EXPECT_FALSE(migrate(*database, bad));
  EXPECT_FALSE(database->in_transaction());
  EXPECT_EQ(*database->query_integer("SELECT 1 FROM sqlite_schema WHERE name = 'b'"), std::nullopt);
  EXPECT_EQ(database->query_integer("SELECT max(number) FROM schema_migrations")->value(), 1);
  EXPECT_TRUE(migrate(*database, two));
}

TEST_F(MigrationsTest, MayNotEndTheirTransaction) {
  const auto database = open();
  const std::array bad{Migration{1, "bad", "CREATE TABLE a (x INTEGER) STRICT; COMMIT;"}};
  EXPECT_EQ(migrate(*database, bad).error().code, "store.sql");
}

TEST_F(MigrationsTest, AreAppliedOnceWhenManyThreadsStartAtOnce) {
  constexpr int threads = 8;
  std::barrier start(threads);
  std::atomic<int> failures = 0;
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      start.arrive_and_wait();
      auto database = Database::open(path_);
      if (!database || !migrate(**database, two)) ++failures;
    });
  }
  running.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(open()->query_integer("SELECT x FROM a")->value(), 2);
}

TEST_F(MigrationsTest, AreAppliedOnceWhenManyProcessesStartAtOnce) {
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe(gate.data()), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(gate[1]);
      char none;
      while (::read(gate[0], &none, 1) > 0) {
      }
      auto database = Database::open(path_);
      ::_exit(database && migrate(**database, two) ? 0 : 1);
    }
    children.push_back(child);
  }
  ::close(gate[0]);
  ::close(gate[1]);  // all start
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open()->query_integer("SELECT x FROM a")->value(), 2);
}

TEST_F(MigrationsTest, AreWholeOrAbsentAfterAKill) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto database = Database::open(path_);
    auto transaction = Transaction::begin(**database);
    [[maybe_unused]] const auto made = (*database)->execute(first.sql);
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  const auto database = open();
  ASSERT_TRUE(migrate(*database, two));
  EXPECT_EQ(database->query_integer("SELECT x FROM a")->value(), 2);
}

}  // namespace
}  // namespace countersign::store
