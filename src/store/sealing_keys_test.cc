#include "store/sealing_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_entropy.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string key_a(43, 'A');
const std::string key_b = std::string(42, 'B') + "A";

Result<SealingKeys> parse(const std::string& text, std::optional<uint32_t> seal_with = {}) {
  return SealingKeys::parse(Secret::copy_of(text), seal_with);
}
SealingKeys keys(const std::string& text, std::optional<uint32_t> seal_with = {}) {
  auto parsed = parse(text, seal_with);
  if (!parsed) panic(parsed.error().for_log());
  return *std::move(parsed);
}

class SealingKeysTest : public ::testing::Test {
 protected:
  Sealed seal(const SealingKeys& with, const SealedRow& row) {
    auto sealed = with.seal(as_bytes("a token"), row, entropy_);
    if (!sealed) panic(sealed.error().for_log());
    return *std::move(sealed);
  }
  testing::FakeEntropy entropy_;
  const SealedRow row_{.table = "token_rows", .name = "slot", .generation = 7};
};

TEST_F(SealingKeysTest, TheHighestVersionSealsAndAllOpen) {
  const SealingKeys old = keys("1:" + key_a);
  const SealingKeys both = keys("# keys\n10:" + key_b + "\n\n1:" + key_a + "\n");
  EXPECT_EQ(both.version(), 10u);
  const Sealed before = seal(old, row_);
  EXPECT_EQ(before.key_version, 1u);
  EXPECT_EQ(both.open(before.bytes, 1, row_)->unsafe_reveal_text(), "a token");
  const Sealed after = seal(both, row_);
  EXPECT_EQ(after.key_version, 10u);
  EXPECT_EQ(both.open(after.bytes, 10, row_)->unsafe_reveal_text(), "a token");
  const auto unknown = old.open(after.bytes, 10, row_);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "sealing.unknown_version");
  EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
}

TEST_F(SealingKeysTest, AnotherVersionSealsIfItIsNamed) {
  const SealingKeys both = keys("1:" + key_a + "\n2:" + key_b, 1);
  EXPECT_EQ(both.version(), 1u);
  EXPECT_EQ(seal(both, row_).key_version, 1u);
  EXPECT_EQ(parse("1:" + key_a, 2).error().code, "sealing.no_such_version");
}

TEST_F(SealingKeysTest, WhatIsSealedOpensInItsOwnPlaceOnly) {
  const SealingKeys both = keys("1:" + key_a + "\n2:" + key_a);  // equal keys, two versions
  const Sealed sealed = seal(both, row_);
  EXPECT_TRUE(both.open(sealed.bytes, 2, row_));
  EXPECT_EQ(both.open(sealed.bytes, 1, row_).error().code, "crypto.not_authentic");
  for (const SealedRow& other :
       {SealedRow{"token_rows", "slot", 8}, SealedRow{"token_rows", "slot2", 7},
        SealedRow{"token_rows", "", 7}, SealedRow{"other", "slot", 7},
        // The same letters, divided otherwise.
        SealedRow{"token_row", "sslot", 7}, SealedRow{"token_rowss", "lot", 7}}) {
    EXPECT_EQ(both.open(sealed.bytes, 2, other).error().code, "crypto.not_authentic")
        << other.table << " " << other.name;
  }
  for (size_t i = 0; i < sealed.bytes.size(); ++i) {
    Bytes altered = sealed.bytes;
    altered[i] ^= 1;
    EXPECT_FALSE(both.open(altered, 2, row_)) << i;
  }
  EXPECT_FALSE(both.open(ByteView(sealed.bytes).first(sealed.bytes.size() - 1), 2, row_));
  EXPECT_FALSE(both.open({}, 2, row_));
}

TEST_F(SealingKeysTest, EachTimeItIsSealedDifferently) {
  const SealingKeys one = keys("1:" + key_a);
  EXPECT_NE(seal(one, row_).bytes, seal(one, row_).bytes);
}

TEST_F(SealingKeysTest, WhatIsNotAKeyFileIsRefusedWithoutRepeatingIt) {
  const struct {
    std::string text;
    std::string_view code;
  } cases[] = {
      {"", "sealing.none"},
      {"# nothing\n\n", "sealing.none"},
      {key_a, "sealing.malformed"},
      {":" + key_a, "sealing.malformed"},
      {"x:" + key_a, "sealing.malformed"},
      {"-1:" + key_a, "sealing.malformed"},
      {"+1:" + key_a, "sealing.malformed"},
      {"01:" + key_a, "sealing.malformed"},
      {" 1:" + key_a, "sealing.malformed"},
      {"1 :" + key_a, "sealing.malformed"},
      {"1: " + key_a, "sealing.malformed"},
      {"1:" + key_a + " ", "sealing.malformed"},
      {"1:" + key_a + "\r\n", "sealing.malformed"},
      {"1:" + key_a + "=", "sealing.malformed"},
      {"1:", "sealing.malformed"},
      {"1:" + key_a.substr(1), "sealing.malformed"},
      {"1:" + key_a + "A", "sealing.malformed"},
      {"1:" + std::string(42, 'A') + "B", "sealing.malformed"},  // unused bits
      {"1:" + std::string(42, 'A') + "+", "sealing.malformed"},
      {"0:" + key_a, "sealing.bad_version"},
      {"1000001:" + key_a, "sealing.bad_version"},
      {"99999999999999999999:" + key_a, "sealing.bad_version"},
      {"1:" + key_a + "\n1:" + key_b, "sealing.bad_version"},
  };
  for (const auto& c : cases) {
    const auto refused = parse(c.text);
    ASSERT_FALSE(refused) << c.text;
    EXPECT_EQ(refused.error().code, c.code) << c.text;
    EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
    EXPECT_THAT(refused.error().for_log(), Not(HasSubstr("AAAA")));
  }
  EXPECT_TRUE(parse("1000000:" + key_a));
}

TEST_F(SealingKeysTest, AKeyFileHasAnEnd) {
  std::string text;
  for (size_t i = 1; i <= SealingKeys::keys_max; ++i)
    text += std::to_string(i) + ":" + key_a + "\n";
  EXPECT_TRUE(parse(text));
  EXPECT_EQ(parse(text + "1000:" + key_a).error().code, "sealing.too_many");
}

TEST_F(SealingKeysTest, ANewLineIsALineOfAKeyFile) {
  const Secret first = SealingKeys::new_line(1, entropy_);
  const Secret second = SealingKeys::new_line(2, entropy_);
  const std::string text =
      std::string(first.unsafe_reveal_text()) + std::string(second.unsafe_reveal_text());
  EXPECT_EQ(keys(text).version(), 2u);
  EXPECT_NE(first.unsafe_reveal_text().substr(2), second.unsafe_reveal_text().substr(2));
}

}  // namespace
}  // namespace countersign::store
