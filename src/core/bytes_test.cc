#include "core/bytes.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(Hex, TakesBackWhatWasWritten) {
  Bytes all(256);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(decode_hex(encode_hex(all)).value(), all);
  EXPECT_EQ(encode_hex(to_bytes("\x01\xaf")), "01af");
  EXPECT_EQ(decode_hex("01AF").value(), to_bytes("\x01\xaf"));
  EXPECT_EQ(decode_hex("").value(), Bytes{});
}

TEST(Hex, RefusesWhatIsNot) {
  for (const std::string_view text : {"0", "0g", "g0", " 0", "0x", "00 ", "\xc3\xbc"}) {
    const auto decoded = decode_hex(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, "bytes.bad_hex");
  }
}

TEST(Rfc4648, Section10Base64) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : rows) {
    EXPECT_EQ(encode_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(as_text(decode_base64(encoded).value()), plain);
    const std::string url(encoded.substr(0, encoded.find('=')));
    EXPECT_EQ(encode_base64url(as_bytes(plain)), url);
    EXPECT_EQ(as_text(decode_base64url(url).value()), plain);
  }
}

TEST(Base64, HasTwoAlphabets) {
  const Bytes bytes = {0xfb, 0xff, 0xbf};
  EXPECT_EQ(encode_base64(bytes), "+/+/");
  EXPECT_EQ(encode_base64url(bytes), "-_-_");
  EXPECT_EQ(decode_base64("+/+/").value(), bytes);
  EXPECT_EQ(decode_base64url("-_-_").value(), bytes);
}

TEST(Base64, TakesBackEveryLength) {
  Bytes bytes;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)).value(), bytes);
    EXPECT_EQ(decode_base64url(encode_base64url(bytes)).value(), bytes);
    bytes.push_back(static_cast<uint8_t>(i * 37));
  }
}

TEST(Base64Url, HasOneSpellingForEachValue) {
  for (const std::string_view text : {"A", "AAAAA", "Zg==", "Zg=", "Zh", "Zm9", "Zm-", "Zg ", " Zg",
                                      "Z\ng", "Zm9v\n", "+/+/", "\xc3\xbc"}) {
    const auto decoded = decode_base64url(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, "bytes.bad_base64url");
  }
}

TEST(Base64, HasOneSpellingForEachValue) {
  for (const std::string_view text :
       {"A", "Zg", "Zg=", "Zg===", "Zg=====", "=",
        "====", "A===", "Zh==", "Zm9=", "Z=g=", "=Zg=", "-_-_", "Zg==\n", "Zg==Zg==", "Zg= ="}) {
    const auto decoded = decode_base64(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, "bytes.bad_base64");
  }
}

TEST(EqualInConstantTime, ComparesEveryByteAndTheLength) {
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("Abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abC")));
}

}  // namespace
}  // namespace countersign
