#include "store/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sqlite_registry_store.h"
#include "support/fake_clock.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() {
    auto store = SqliteRegistryStore::open(folder_ / "registry.db", clock_);
    if (!store) panic(store.error().for_log());
    store_ = *std::move(store);
  }
  void record(const std::string& name, int64_t seq) {
    if (!store_->record_node({name, "boot", seq, {}})) panic("no heartbeat");
  }
  // The sleep function: time passes, and what `during_` says happens.
  Result<Receipt> wait(int64_t seq, std::chrono::nanoseconds at_most) {
    return wait_for_receipt(*store_, seq, clock_.boot_now() + at_most, clock_,
                            [this](std::chrono::nanoseconds pause) {
                              clock_.advance(pause);
                              ++sleeps_;
                              if (during_) during_();
                            });
  }

  testing::TemporaryFolder folder_;
  testing::FakeClock clock_;
  std::unique_ptr<SqliteRegistryStore> store_;
  std::function<void()> during_;
  int sleeps_ = 0;
};

TEST_F(ReceiptTest, IsCompleteAtOnceIfNobodyRuns) {
  const auto receipt = wait(1, seconds(5));
  ASSERT_TRUE(receipt);
  EXPECT_TRUE(receipt->complete());
  EXPECT_THAT(receipt->confirmed, IsEmpty());
  EXPECT_EQ(sleeps_, 0);
}

TEST_F(ReceiptTest, CountsANodeThatIsExactlyAtTheSeq) {
  record("a", 7);
  record("b", 8);
  const auto receipt = wait(7, seconds(5));
  ASSERT_TRUE(receipt->complete());
  EXPECT_EQ(receipt->confirmed.size(), 2u);
  EXPECT_EQ(sleeps_, 0);
}

TEST_F(ReceiptTest, WaitsForANodeAndSaysHowLongItTook) {
  record("a", 7);
  record("b", 6);
  during_ = [&] {
    if (sleeps_ == 2) record("b", 7);
  };
  const auto receipt = wait(7, seconds(5));
  ASSERT_TRUE(receipt->complete());
  EXPECT_EQ(receipt->confirmed[0].node, "a");
  EXPECT_EQ(receipt->confirmed[0].after, milliseconds(0));
  EXPECT_EQ(receipt->confirmed[1].node, "b");
  EXPECT_EQ(receipt->confirmed[1].after, milliseconds(2 + 4));
}

TEST_F(ReceiptTest, NamesTheNodesThatWereMissingAtTheDeadline) {
  record("a", 7);
  record("b", 6);
  const BootTime begin = clock_.boot_now();
  const auto receipt = wait(7, seconds(1));
  ASSERT_TRUE(receipt);
  EXPECT_FALSE(receipt->complete());
  EXPECT_THAT(receipt->missing, ElementsAre("b"));
  EXPECT_EQ(receipt->confirmed.size(), 1u);
  EXPECT_EQ(clock_.boot_now(), begin + seconds(1));
}

TEST_F(ReceiptTest, DoesNotWaitForANodeThatHasStopped) {
  record("b", 6);
  during_ = [&] {
    if (sleeps_ == 1 && !store_->remove_node("b", "boot")) panic("not removed");
  };
  const auto receipt = wait(7, seconds(5));
  EXPECT_TRUE(receipt->complete());
  EXPECT_THAT(receipt->confirmed, IsEmpty());
  EXPECT_EQ(sleeps_, 1);
}

TEST_F(ReceiptTest, StopsExpectingANodeWhoseHeartbeatIsTooOld) {
  record("b", 6);
  const auto receipt = wait(7, seconds(60));
  EXPECT_TRUE(receipt->complete());
  EXPECT_THAT(receipt->confirmed, IsEmpty());
}

}  // namespace
}  // namespace countersign::store
