#include "crypto/digest.h"

#include <thread>

#include <gtest/gtest.h>

namespace countersign::crypto {
namespace {

// FIPS 180-4's example "abc", also in RFC 6234 §8.5.
TEST(Digest, Sha256OfAbc) {
  EXPECT_EQ(encode_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, Sha256OfNothing) {
  EXPECT_EQ(encode_hex(sha256({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, Sha512OfAbc) {
  EXPECT_EQ(encode_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Sha256Stream, GivesTheDigestOfAllPiecesAndStartsAfresh) {
  Sha256Stream stream;
  stream.update(as_bytes("a"));
  stream.update({});
  stream.update(as_bytes("bc"));
  EXPECT_EQ(stream.finish(), sha256(as_bytes("abc")));
  EXPECT_EQ(stream.finish(), sha256({}));
  Sha256Stream moved = std::move(stream);
  moved.update(as_bytes("abc"));
  EXPECT_EQ(moved.finish(), sha256(as_bytes("abc")));
}

// RFC 4231 §4.3: test case 2.
TEST(HmacKey, Rfc4231TestCase2) {
  const HmacKey key(Secret::copy_of("Jefe"));
  const ByteView data = as_bytes("what do ya want for nothing?");
  const std::string expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(encode_hex(key.mac(data)), expected);
  EXPECT_EQ(encode_hex(key.mac(data)), expected);  // the prepared key is not used up
  EXPECT_EQ(encode_hex(hmac_sha256(Secret::copy_of("Jefe"), data)), expected);
}

// RFC 4231 §4.7: a key longer than the block (test case 6).
TEST(HmacKey, Rfc4231TestCase6) {
  const HmacKey key(Secret::copy_of(std::string(131, '\xaa')));
  EXPECT_EQ(encode_hex(key.mac(as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacKey, MatchesOnlyTheWholeMac) {
  const HmacKey key(Secret::copy_of("pepper"));
  const ByteView data = as_bytes("secret");
  Sha256Digest mac = key.mac(data);
  EXPECT_TRUE(key.matches(data, mac));
  EXPECT_FALSE(key.matches(data, ByteView(mac).first(31)));
  EXPECT_FALSE(key.matches(data, {}));
  EXPECT_FALSE(key.matches(as_bytes("secreT"), mac));
  mac[31] ^= 1;
  EXPECT_FALSE(key.matches(data, mac));
}

TEST(HmacKey, AnEmptyKeyIsABrokenInvariant) {
  EXPECT_DEATH(HmacKey{Secret{}}, "HMAC key is empty");
}

TEST(HmacKey, ManyThreadsShareOneKey) {
  const HmacKey key(Secret::copy_of("pepper"));
  const Sha256Digest expected = key.mac(as_bytes("x"));
  std::vector<std::jthread> threads;
  std::vector<int> matches(4, 0);
  for (int& count : matches) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += key.mac(as_bytes("x")) == expected ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(matches, std::vector<int>(4, 200));
}

}  // namespace
}  // namespace countersign::crypto
