#include "store/feed_watcher.h"

#include <array>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/receipt.h"
#include "store/sqlite_registry_store.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using std::chrono::milliseconds;

// Remembers what it was told and lets a test wait for it.
class Recorder final : public FeedListener {
 public:
  Result<int64_t> reload(RegistryStore& store) override {
    CS_TRY(const RegistryContents all, store.load_all());
    const std::lock_guard lock(mutex_);
    ++reloads_;
    applied_ = all.seq;
    cut_offs_ = all.cut_offs.size();
    changed_.notify_all();
    return all.seq;
  }
  Result<void> apply(RegistryStore&, std::span<const Change> changes) override {
    const std::lock_guard lock(mutex_);
    if (failures_left_ > 0) {
      --failures_left_;
      return fail(ErrorKind::unavailable, "test.failed", "not this time");
    }
    for (const Change& change : changes) {
      if (change.seq != applied_ + 1) out_of_order_ = true;
      applied_ = change.seq;
    }
    changed_.notify_all();
    return {};
  }
  void heard(BootTime at) override {
    const std::lock_guard lock(mutex_);
    heard_ = at;
    ++times_heard_;
    changed_.notify_all();
  }
  void housekeep(WallTime) override {
    const std::lock_guard lock(mutex_);
    ++housekept_;
    changed_.notify_all();
  }

  template <typename Predicate>
  void wait_until(Predicate holds) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, holds);
  }
  void wait_applied(int64_t seq) {
    wait_until([&] { return applied_ >= seq; });
  }
  void wait_heard_again() {
    std::unique_lock lock(mutex_);
    const int before = times_heard_;
    changed_.wait(lock, [&] { return times_heard_ > before; });
  }
  void note_trouble(const std::optional<Error>& error) {
    const std::lock_guard lock(mutex_);
    troubles_.push_back(error ? error->code : "over");
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t applied_ = 0;
  size_t cut_offs_ = 0;
  int reloads_ = 0;
  int times_heard_ = 0;
  int housekept_ = 0;
  int failures_left_ = 0;
  bool out_of_order_ = false;
  BootTime heard_{};
  std::vector<std::string> troubles_;
};

class FeedWatcherTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteRegistryStore> open() {
    auto store = SqliteRegistryStore::open(path_, clock_);
    if (!store) panic(store.error().for_log());
    return *std::move(store);
  }
  FeedWatcherOptions options() {
    return {
        .path = path_,
        .node_name = "gw",
        .boot_id = "b1",
        .on_trouble = [this](const std::optional<Error>& error) { recorder_.note_trouble(error); }};
  }
  std::unique_ptr<FeedWatcher> watch(FeedWatcherOptions chosen) {
    auto watcher = FeedWatcher::create(std::move(chosen), recorder_, clock_);
    if (!watcher) panic(watcher.error().for_log());
    return *std::move(watcher);
  }
  Revocation revocation(int number) {
    return {.kind = SubjectKind::token,
            .subject = std::to_string(number),
            .issued_at_or_before = clock_.wall_now(),
            .reason = "",
            .revoked_at = clock_.wall_now(),
            .expires_at = std::nullopt};
  }
  Receipt receipt_of(SqliteRegistryStore& store, int64_t seq) {
    auto receipt = wait_for_receipt(
        store, seq, BootTime::max(), clock_,
        [](std::chrono::nanoseconds pause) { std::this_thread::sleep_for(pause); });
    if (!receipt) panic(receipt.error().for_log());
    return *std::move(receipt);
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "registry.db";
  SystemClock clock_;
  Recorder recorder_;
};

TEST_F(FeedWatcherTest, HasLoadedAndConfirmedEverythingWhenCreateReturns) {
  const auto store = open();
  ASSERT_TRUE(store->revoke(revocation(1)));
  const auto watcher = watch(options());
  EXPECT_EQ(watcher->applied_seq(), 1);
  const auto nodes = store->live_nodes(milliseconds(5000));
  ASSERT_EQ(nodes->size(), 1u);
  EXPECT_EQ((*nodes)[0].name, "gw");
  EXPECT_EQ((*nodes)[0].applied_seq, 1);
}

TEST_F(FeedWatcherTest, SeesEveryChangeOfAnotherProcessInOrder) {
  // The other process begins before this one has a thread or a connection: SQLite's state must not
  // be forked.
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe(gate.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char go;
    if (::read(gate[0], &go, 1) != 1) ::_exit(1);
    const auto store = open();
    for (int i = 0; i < 50; ++i) {
      if (!store->revoke(revocation(i))) ::_exit(1);
    }
    ::_exit(0);
  }
  const auto watcher = watch(options());
  ASSERT_EQ(::write(gate[1], "g", 1), 1);
  recorder_.wait_applied(50);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(recorder_.out_of_order_);
  EXPECT_EQ(recorder_.reloads_, 1);
}

TEST_F(FeedWatcherTest, IsWokenByAWriteWithoutWaitingForItsPoll) {
  auto chosen = options();
  chosen.poll_interval = std::chrono::hours(24);
  const auto watcher = watch(chosen);
  const auto store = open();
  for (int64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(store->revoke(revocation(static_cast<int>(i))));
    recorder_.wait_applied(i);
  }
}

TEST_F(FeedWatcherTest, FindsWhatWasWrittenWithoutTouchingTheFile) {
  const auto watcher = watch(options());
  const auto database = Database::open(path_);
  {
    auto transaction = Transaction::begin(**database);
    ASSERT_TRUE((*database)->run("UPDATE feed_head SET seq = 1"));
    ASSERT_TRUE((*database)->run("INSERT INTO feed VALUES (1, 'client', 'c1')"));
    ASSERT_TRUE(transaction->commit());
  }
  recorder_.wait_applied(1);
}

TEST_F(FeedWatcherTest, GivesTheRevokerAReceipt) {
  const auto watcher = watch(options());
  const auto store = open();
  const auto seq = store->revoke(revocation(1));
  const Receipt receipt = receipt_of(*store, *seq);
  EXPECT_TRUE(receipt.complete());
  ASSERT_EQ(receipt.confirmed.size(), 1u);
  EXPECT_EQ(receipt.confirmed[0].node, "gw");
  EXPECT_EQ(recorder_.applied_, *seq);  // in force before it was confirmed
}

TEST_F(FeedWatcherTest, ConfirmsNothingThatItsListenerHasNotApplied) {
  recorder_.failures_left_ = 3;
  const auto watcher = watch(options());
  const auto store = open();
  const auto seq = store->revoke(revocation(1));
  const Receipt receipt = receipt_of(*store, *seq);
  EXPECT_TRUE(receipt.complete());
  EXPECT_EQ(recorder_.failures_left_, 0);
  recorder_.wait_until([&] { return recorder_.troubles_.size() >= 2; });
  EXPECT_EQ(recorder_.troubles_, (std::vector<std::string>{"test.failed", "over"}));
}

TEST_F(FeedWatcherTest, HearsFromAFeedInWhichNothingHappens) {
  const auto watcher = watch(options());
  const BootTime first = watcher->last_heard();
  recorder_.wait_heard_again();
  EXPECT_GT(watcher->last_heard(), first);
}

TEST_F(FeedWatcherTest, RenewsItsHeartbeat) {
  auto chosen = options();
  chosen.poll_interval = milliseconds(1);
  chosen.heartbeat_every = milliseconds(1);
  const auto watcher = watch(chosen);
  const auto store = open();
  const WallTime first = (*store->live_nodes(milliseconds(5000)))[0].heartbeat_at;
  while ((*store->live_nodes(milliseconds(5000)))[0].heartbeat_at == first)
    recorder_.wait_heard_again();
}

TEST_F(FeedWatcherTest, FallsSilentWhileTheStoreIsAwayAndComesBack) {
  const auto watcher = watch(options());
  const std::string away = folder_ / "away.db";
  for (const std::string suffix : {"", "-wal", "-shm"})
    std::filesystem::rename(path_ + suffix, away + suffix);
  recorder_.wait_until([&] { return !recorder_.troubles_.empty(); });
  const BootTime silent_since = watcher->last_heard();
  EXPECT_FALSE(std::filesystem::exists(path_));  // no empty record takes its place
  EXPECT_EQ(watcher->last_heard(), silent_since);
  for (const std::string suffix : {"-wal", "-shm", ""}) {
    if (std::filesystem::exists(away + suffix))
      std::filesystem::rename(away + suffix, path_ + suffix);
  }
  recorder_.wait_until([&] { return recorder_.troubles_.back() == "over"; });
  EXPECT_GT(watcher->last_heard(), silent_since);
  ASSERT_TRUE(open()->revoke(revocation(1)));
  recorder_.wait_applied(1);
}

TEST_F(FeedWatcherTest, LoadsEverythingWhenTheFileIsReplacedByAnOlderCopy) {
  {
    const auto store = open();
    ASSERT_TRUE(store->revoke(revocation(1)));
  }
  const std::string copy = folder_ / "copy.db";
  std::filesystem::copy_file(path_, copy);
  const auto watcher = watch(options());
  ASSERT_TRUE(open()->revoke(revocation(2)));
  recorder_.wait_applied(2);
  std::filesystem::remove(path_ + "-wal");
  std::filesystem::remove(path_ + "-shm");
  std::filesystem::rename(copy, path_);
  recorder_.wait_until([&] { return recorder_.reloads_ >= 2 && recorder_.applied_ == 1; });
  EXPECT_EQ(recorder_.cut_offs_, 1u);
}

TEST_F(FeedWatcherTest, LoadsEverythingWhenTheChangesInBetweenWereTrimmed) {
  auto chosen = options();
  chosen.batch_max = 1;
  recorder_.failures_left_ = 1'000'000;
  const auto watcher = watch(chosen);
  const auto store = open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->revoke(revocation(i)));
  ASSERT_TRUE(store->trim_feed(milliseconds(0), 1));  // as if the node had been gone
  recorder_.wait_until([&] { return recorder_.applied_ == 5; });
  EXPECT_EQ(recorder_.reloads_, 2);
  EXPECT_EQ(recorder_.cut_offs_, 5u);
}

TEST_F(FeedWatcherTest, PurgesWhatHasExpired) {
  const auto store = open();
  Revocation revoked = revocation(1);
  revoked.expires_at = clock_.wall_now();
  ASSERT_TRUE(store->revoke(revoked));
  const auto watcher = watch(options());  // housekeeping comes with the first turn
  EXPECT_EQ(recorder_.housekept_, 1);
  EXPECT_EQ(*store->find_cut_off(SubjectKind::token, "1"), std::nullopt);
}

TEST_F(FeedWatcherTest, LeavesTheRecordOfNodesWhenStopped) {
  const auto watcher = watch(options());
  const auto store = open();
  watcher->stop();
  EXPECT_TRUE(store->live_nodes(milliseconds(5000))->empty());
  const BootTime heard = watcher->last_heard();
  ASSERT_TRUE(store->revoke(revocation(1)));
  EXPECT_EQ(watcher->last_heard(), heard);
  watcher->stop();  // harmless
}

TEST_F(FeedWatcherTest, RefusesToStartOnARecordItMayNotUse) {
  {
    const auto made = open();
  }
  std::filesystem::permissions(path_, std::filesystem::perms(0644));
  const auto refused = FeedWatcher::create(options(), recorder_, clock_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.file_permissions");
}

}  // namespace
}  // namespace countersign::store
