#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "support/fake_entropy.h"

namespace countersign::crypto {
namespace {

AeadKey key_of(char fill) {
  return AeadKey::create(Secret::copy_of(std::string(AeadKey::key_bytes, fill))).value();
}

class Aead : public ::testing::Test {
 protected:
  countersign::testing::FakeEntropy entropy_;
  AeadKey key_ = key_of('k');
  Bytes sealed_ = key_.seal(as_bytes("token"), as_bytes("row 1"), entropy_).value();

  std::string code(const AeadKey& key, ByteView sealed, std::string_view data) {
    const auto opened = key.open(sealed, as_bytes(data));
    return opened ? "" : opened.error().code;
  }
};

TEST_F(Aead, OpensWhatItSealed) {
  EXPECT_EQ(sealed_.size(), 5 + AeadKey::overhead_bytes);
  EXPECT_EQ(key_.open(sealed_, as_bytes("row 1"))->unsafe_reveal_text(), "token");
}

TEST_F(Aead, SealsNothingAndNoAssociatedData) {
  const Bytes sealed = key_.seal({}, {}, entropy_).value();
  EXPECT_EQ(sealed.size(), AeadKey::overhead_bytes);
  EXPECT_TRUE(key_.open(sealed, {})->empty());
  EXPECT_EQ(code(key_, sealed, "x"), "crypto.not_authentic");
}

TEST_F(Aead, NeverSealsTheSameWayTwice) {
  EXPECT_NE(key_.seal(as_bytes("token"), as_bytes("row 1"), entropy_).value(), sealed_);
}

TEST_F(Aead, RefusesEveryFlippedBit) {
  for (size_t bit = 0; bit < sealed_.size() * 8; ++bit) {
    Bytes changed = sealed_;
    changed[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_EQ(code(key_, changed, "row 1"), "crypto.not_authentic") << "bit " << bit;
  }
}

TEST_F(Aead, RefusesEveryTruncationAndAnExtraByte) {
  for (size_t size = 0; size < sealed_.size(); ++size) {
    EXPECT_EQ(code(key_, ByteView(sealed_).first(size), "row 1"), "crypto.not_authentic") << size;
  }
  Bytes longer = sealed_;
  longer.push_back(0);
  EXPECT_EQ(code(key_, longer, "row 1"), "crypto.not_authentic");
}

TEST_F(Aead, RefusesAnotherRowAndAnotherKey) {
  EXPECT_EQ(code(key_, sealed_, "row 2"), "crypto.not_authentic");
  EXPECT_EQ(code(key_, sealed_, ""), "crypto.not_authentic");
  EXPECT_EQ(code(key_of('j'), sealed_, "row 1"), "crypto.not_authentic");
}

TEST_F(Aead, RefusesKeysOfAnotherLength) {
  for (const size_t size : {size_t{0}, size_t{16}, size_t{31}, size_t{33}}) {
    const auto key = AeadKey::create(Secret::copy_of(std::string(size, 'k')));
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, "crypto.bad_key_length");
  }
}

TEST_F(Aead, RefusesAPlaintextOverTheLimit) {
  const Bytes huge(AeadKey::plaintext_bytes_max + 1);
  EXPECT_EQ(key_.seal(huge, {}, entropy_).error().code, "crypto.too_large");
}

}  // namespace
}  // namespace countersign::crypto
