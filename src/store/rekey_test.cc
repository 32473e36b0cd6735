#include "store/rekey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sqlite_token_store.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string key_1 = "1:" + std::string(43, 'A') + "\n";
const std::string key_2 = "2:" + std::string(42, 'B') + "A\n";
const std::string key_3 = "3:" + std::string(42, 'C') + "A\n";

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  return *std::move(result);
}

// Forwards to a store, and lets a test come in between a read and the write after it.
class Interrupted final : public TokenStore {
 public:
  explicit Interrupted(TokenStore& store) : store_(store) {}
  std::function<void()> before_replace = [] {};

  Result<TokenRow> read(std::string_view slot) override { return store_.read(slot); }
  Result<Claim> claim(std::string_view slot, std::string_view owner, uint64_t seen,
                      uint64_t rejected, std::chrono::microseconds lease) override {
    return store_.claim(slot, owner, seen, rejected, lease);
  }
  Result<bool> publish(std::string_view slot, std::string_view owner, uint64_t claimed,
                       const SealedToken& token) override {
    return store_.publish(slot, owner, claimed, token);
  }
  Result<bool> release(std::string_view slot, std::string_view owner, uint64_t claimed,
                       std::chrono::microseconds closed) override {
    return store_.release(slot, owner, claimed, closed);
  }
  Result<std::vector<std::string>> slots_to_rekey(uint32_t version) override {
    return store_.slots_to_rekey(version);
  }
  Result<bool> replace_sealed(std::string_view slot, uint64_t generation, uint32_t old_version,
                              ByteView sealed, uint32_t new_version) override {
    before_replace();
    return store_.replace_sealed(slot, generation, old_version, sealed, new_version);
  }

 private:
  TokenStore& store_;
};

class RekeyTest : public ::testing::Test {
 protected:
  static SealingKeys keys(const std::string& text) {
    return must(SealingKeys::parse(Secret::copy_of(text)));
  }
  // The next generation of the slot, sealed under the newest of `with`.
  void publish(const std::string& slot, const SealingKeys& with, std::string_view text) {
    const uint64_t seen = must(store_->read(slot)).generation;
    const Claim claim = must(store_->claim(slot, "x", seen, 0, std::chrono::seconds(1)));
    const Sealed sealed =
        must(with.seal(as_bytes(text), token_row_of(slot, claim.row.claimed), entropy_));
    must(store_->publish(slot, "x", claim.row.claimed,
                         {.sealed = sealed.bytes,
                          .key_version = sealed.key_version,
                          .expires_in = std::chrono::hours(1)}));
  }
  std::string opened(const std::string& slot, const SealingKeys& with) {
    const TokenRow row = must(store_->read(slot));
    const auto text =
        with.open(row.token->sealed, row.token->key_version, token_row_of(slot, row.generation));
    return text ? std::string(text->unsafe_reveal_text()) : text.error().code;
  }
  testing::TemporaryFolder folder_;
  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  std::unique_ptr<SqliteTokenStore> store_ =
      must(SqliteTokenStore::open({.path = folder_ / "tokens.db"}, clock_));
};

TEST_F(RekeyTest, EveryRowEndsUnderTheNewestKey) {
  publish("a", keys(key_1), "token a");
  publish("b", keys(key_2), "token b");
  publish("c", keys(key_3), "token c");
  must(store_->claim("empty", "x", 0, 0, std::chrono::seconds(1)));
  const RekeyReport report = must(rekey(*store_, keys(key_1 + key_2 + key_3), entropy_));
  EXPECT_EQ(report.rekeyed, 2);
  EXPECT_TRUE(report.complete());
  const SealingKeys newest = keys(key_3);
  EXPECT_EQ(opened("a", newest), "token a");
  EXPECT_EQ(opened("b", newest), "token b");
  EXPECT_EQ(opened("c", newest), "token c");
}

TEST_F(RekeyTest, ASecondRunFindsNothingToDo) {
  publish("a", keys(key_1), "token a");
  must(rekey(*store_, keys(key_1 + key_2), entropy_));
  const TokenRow before = must(store_->read("a"));
  const RekeyReport report = must(rekey(*store_, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed + report.changed_meanwhile + report.not_opened, 0);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(must(store_->read("a")).token->sealed, before.token->sealed);
}

TEST_F(RekeyTest, RowsWhoseKeyIsMissingAreLeftAndNamed) {
  publish("a", keys(key_1), "token a");
  publish("b", keys(key_2), "token b");
  const RekeyReport report = must(rekey(*store_, keys(key_2 + key_3), entropy_));
  EXPECT_EQ(report.rekeyed, 1);
  EXPECT_EQ(report.not_opened, 1);
  EXPECT_THAT(report.missing_versions, ElementsAre(1));
  EXPECT_EQ(report.remaining, 1);
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(opened("a", keys(key_1)), "token a");
}

TEST_F(RekeyTest, RowsThatDoNotVerifyAreLeft) {
  publish("a", keys(key_1), "token a");
  publish("b", keys(key_1), "token b");
  const TokenRow b = must(store_->read("b"));
  must(store_->replace_sealed("a", 1, 1, b.token->sealed, 1));  // moved to another row
  const RekeyReport report = must(rekey(*store_, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed, 1);
  EXPECT_EQ(report.not_opened, 1);
  EXPECT_THAT(report.missing_versions, IsEmpty());
  EXPECT_FALSE(report.complete());
}

TEST_F(RekeyTest, ATokenPublishedMeanwhileIsNotOverwritten) {
  publish("a", keys(key_1), "old");
  Interrupted beside(*store_);
  beside.before_replace = [&] { publish("a", keys(key_1 + key_2), "new"); };
  const RekeyReport report = must(rekey(beside, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.rekeyed, 0);
  EXPECT_EQ(report.changed_meanwhile, 1);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(opened("a", keys(key_2)), "new");
}

TEST_F(RekeyTest, AProcessThatStillSealsWithTheOldKeyIsNoticed) {
  publish("a", keys(key_1), "old");
  Interrupted beside(*store_);
  beside.before_replace = [&] { publish("a", keys(key_1), "new"); };
  const RekeyReport report = must(rekey(beside, keys(key_1 + key_2), entropy_));
  EXPECT_EQ(report.remaining, 1);
  EXPECT_FALSE(report.complete());
}

}  // namespace
}  // namespace countersign::store
