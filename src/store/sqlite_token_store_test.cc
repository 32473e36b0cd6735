// What is SQLite's own about its token store: time, the file, locks. The contract that it shares
// with PostgreSQL's is in tests/store.

#include "store/sqlite_token_store.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/fake_clock.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  return *std::move(result);
}

class SqliteTokenStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SqliteTokenStore>> try_open() {
    return SqliteTokenStore::open({.path = path_, .busy_timeout = 0ms}, clock_);
  }
  std::unique_ptr<SqliteTokenStore> open() { return must(try_open()); }
  static SealedToken token() { return {.sealed = {1}, .key_version = 1, .expires_in = 60s}; }

  testing::TemporaryFolder folder_;
  testing::FakeClock clock_;
  std::string path_ = folder_ / "tokens.db";
};

TEST_F(SqliteTokenStoreTest, ALeaseRunsForExactlyAsLongAsItWasTaken) {
  const auto store = open();
  EXPECT_EQ(must(store->claim("s", "a", 0, 0, 10s)).row.lease_for, 10s);
  clock_.advance(10s - 1us);
  EXPECT_FALSE(must(store->claim("s", "b", 0, 0, 10s)).granted);
  EXPECT_EQ(must(store->read("s")).lease_for, 1us);
  clock_.advance(1us);
  EXPECT_EQ(must(store->read("s")).lease_for, 0us);
  EXPECT_TRUE(must(store->claim("s", "b", 0, 0, 10s)).granted);
}

TEST_F(SqliteTokenStoreTest, ATokenAges) {
  const auto store = open();
  must(store->claim("s", "a", 0, 0, 10s));
  must(store->publish("s", "a", 1, {.sealed = {1}, .age = 2s, .expires_in = 60s}));
  clock_.advance(5s);
  EXPECT_EQ(must(store->read("s")).token->age, 7s);
  EXPECT_EQ(must(store->read("s")).token->expires_in, 55s);
  clock_.advance(56s);
  EXPECT_EQ(must(store->read("s")).token->expires_in, -1s);
}

TEST_F(SqliteTokenStoreTest, AClockSetBackBlocksNobodyForLong) {
  const auto store = open();
  ASSERT_TRUE(must(store->claim("s", "a", 0, 0, 10s)).granted);
  clock_.step_wall(-10s);  // could be the lease's own length
  EXPECT_EQ(must(store->read("s")).lease_for, 20s);
  EXPECT_FALSE(must(store->claim("s", "b", 0, 0, 10s)).granted);
  clock_.step_wall(-1us);
  EXPECT_EQ(must(store->read("s")).lease_for, 0us);
  EXPECT_EQ(must(store->read("s")).lease_owner, "");
  EXPECT_TRUE(must(store->claim("s", "b", 0, 0, 10s)).granted);
  EXPECT_FALSE(must(store->publish("s", "a", 1, token())));
}

TEST_F(SqliteTokenStoreTest, AClockSetBackLengthensNoTokensLife) {
  const auto store = open();
  must(store->claim("s", "a", 0, 0, 10s));
  must(store->publish("s", "a", 1, token()));
  clock_.step_wall(-1h);
  EXPECT_EQ(must(store->read("s")).token->age, 0s);
  EXPECT_EQ(must(store->read("s")).token->expires_in, 60s);
}

TEST_F(SqliteTokenStoreTest, TheFileIsTheOwnersOnly) {
  open();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::filesystem::permissions(path_, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  const auto refused = try_open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.file_permissions");
}

TEST_F(SqliteTokenStoreTest, ALockThatIsHeldIsBusyForWritersOnly) {
  const auto store = open();
  must(store->claim("s", "a", 0, 0, 10s));
  const auto other = must(Database::open(path_));
  auto held = must(Transaction::begin(*other));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store->claim("s", "b", 0, 0, 10s).error().code, "store.busy");
    EXPECT_EQ(store->publish("s", "a", 1, token()).error().code, "store.busy");
    EXPECT_EQ(must(store->read("s")).lease_owner, "a");
  }
  ASSERT_TRUE(held.commit());
  EXPECT_TRUE(must(store->publish("s", "a", 1, token())));
}

TEST_F(SqliteTokenStoreTest, AFileThatWasReplacedOrLostIsOpenedAnew) {
  const auto store = open();
  must(store->claim("s", "a", 0, 0, 10s));
  std::filesystem::remove(path_);
  EXPECT_TRUE(must(store->claim("s", "b", 0, 0, 10s)).granted);
  std::filesystem::remove(path_);
  for (const char* beside : {"-wal", "-shm"}) std::filesystem::remove(path_ + beside);
  const auto other = open();
  EXPECT_TRUE(must(other->claim("s", "c", 0, 0, 10s)).granted);
  EXPECT_EQ(must(store->read("s")).lease_owner, "c");
}

TEST_F(SqliteTokenStoreTest, ADamagedFileIsAnErrorUntilItIsReplaced) {
  const auto store = open();
  for (const char* beside : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + beside);
  std::ofstream(path_) << std::string(8192, 'x');
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(store->read("s").error().code, "store.corrupt");
  std::filesystem::remove(path_);
  EXPECT_TRUE(must(store->claim("s", "a", 0, 0, 10s)).granted);
}

TEST_F(SqliteTokenStoreTest, AFolderThatWentAwayIsAnErrorUntilItIsBack) {
  path_ = folder_ / "below/tokens.db";
  std::filesystem::create_directory(folder_ / "below");
  const auto store = open();
  std::filesystem::remove_all(folder_ / "below");
  EXPECT_EQ(store->read("s").error().code, "store.file_permissions");
  std::filesystem::create_directory(folder_ / "below");
  EXPECT_TRUE(must(store->claim("s", "a", 0, 0, 10s)).granted);
}

}  // namespace
}  // namespace countersign::store
