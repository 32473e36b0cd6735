#include "protocol/api_key.h"

#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "support/fake_entropy.h"

namespace countersign::protocol {
namespace {

Pepper test_pepper(uint32_t version = 1, char fill = 'p') {
  return Pepper::create(version, Secret::take(std::string(32, fill))).value();
}

std::string generate(std::string_view environment, KeyKind kind = KeyKind::api_key) {
  static testing::FakeEntropy entropy;
  return std::string(
      ApiKey::generate(environment, entropy, kind).value().text.unsafe_reveal_text());
}

TEST(ApiKey, GeneratesAKeyOfTheDocumentedFormThatParses) {
  const std::string text = generate("live");
  const std::regex documented(
      R"(\bcss?_[a-z][a-z0-9]{1,11}_[0-9A-Za-z]{12}_[0-9A-Za-z]{33}_[0-9A-Za-z]{6}\b)");
  EXPECT_TRUE(std::regex_match(text, documented)) << text;
  const auto key = parse_api_key(text);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->kind, KeyKind::api_key);
  EXPECT_EQ(key->environment, "live");
  EXPECT_EQ(key->id.size(), key_id_chars);
  EXPECT_EQ(key->secret.size(), key_secret_chars);
  EXPECT_EQ(key->signed_part, text.substr(0, text.size() - 7));
}

TEST(ApiKey, ReportsThePublicIdThatItsTextHolds) {
  testing::FakeEntropy entropy;
  const ApiKey key = ApiKey::generate("test", entropy).value();
  EXPECT_EQ(parse_api_key(key.text.unsafe_reveal_text())->id, key.id);
  EXPECT_EQ(key.environment, "test");
}

TEST(ApiKey, MakesEachKeyDifferentInIdAndSecret) {
  testing::FakeEntropy entropy;
  std::set<std::string> ids;
  std::set<std::string> secrets;
  for (int i = 0; i < 500; ++i) {
    const ApiKey key = ApiKey::generate("live", entropy).value();
    const auto view = parse_api_key(key.text.unsafe_reveal_text()).value();
    ids.emplace(view.id);
    secrets.emplace(view.secret);
  }
  EXPECT_EQ(ids.size(), 500u);
  EXPECT_EQ(secrets.size(), 500u);
}

TEST(ApiKey, DrawsEveryCharacterOfTheAlphabet) {
  std::set<char> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string text = generate("live");
    for (const char c : parse_api_key(text)->secret) seen.insert(c);
  }
  EXPECT_EQ(seen.size(), 62u);
}

TEST(ApiKey, TellsKeysFromClientSecretsByTheirPrefix) {
  const std::string secret = generate("live", KeyKind::client_secret);
  EXPECT_TRUE(secret.starts_with("css_live_"));
  EXPECT_TRUE(parse_client_secret(secret).has_value());
  EXPECT_FALSE(parse_api_key(secret).has_value());
  EXPECT_FALSE(parse_client_secret(generate("live")).has_value());
}

TEST(ApiKey, FindsEverySingleCharacterTypo) {
  const std::string good = generate("live");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(parse_api_key(bad).has_value()) << "changed at " << i;
  }
}

TEST(ApiKey, FindsSwappedNeighbours) {
  const std::string good = generate("live");
  for (size_t i = 0; i + 1 < good.size(); ++i) {
    std::string bad = good;
    std::swap(bad[i], bad[i + 1]);
    if (bad != good) {
      EXPECT_FALSE(parse_api_key(bad).has_value()) << "swapped at " << i;
    }
  }
}

TEST(ApiKey, RefusesTruncatedAndExtendedText) {
  const std::string good = generate("live");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_api_key(good.substr(0, size)).has_value());
  }
  EXPECT_FALSE(parse_api_key(good + "0").has_value());
  EXPECT_FALSE(parse_api_key(" " + good).has_value());
  EXPECT_FALSE(parse_api_key(good + "\n").has_value());
  EXPECT_FALSE(parse_api_key(std::string(10'000, 'c')).has_value());
  EXPECT_FALSE(parse_api_key("null").has_value());
}

TEST(ApiKey, RepeatsNothingOfTheKeyInItsError) {
  std::string bad = generate("live");
  bad.back() = bad.back() == 'x' ? 'y' : 'x';
  const auto error = parse_api_key(bad).error();
  EXPECT_EQ(error.code, "api_key.malformed");
  EXPECT_EQ(error.for_log().find(bad.substr(8, 12)), std::string::npos);
}

TEST(ApiKey, AcceptsEnvironmentsOfTwoToTwelveCharacters) {
  testing::FakeEntropy entropy;
  EXPECT_FALSE(ApiKey::generate("", entropy).has_value());
  EXPECT_FALSE(ApiKey::generate("a", entropy).has_value());
  EXPECT_TRUE(parse_api_key(generate("ab")).has_value());
  EXPECT_TRUE(parse_api_key(generate("abcdefghijk1")).has_value());
  EXPECT_FALSE(ApiKey::generate("abcdefghijklm", entropy).has_value());
  EXPECT_FALSE(ApiKey::generate("1live", entropy).has_value());
  EXPECT_FALSE(ApiKey::generate("Live", entropy).has_value());
  EXPECT_EQ(ApiKey::generate("li_ve", entropy).error().code, "api_key.bad_environment");
}

TEST(ApiKey, MacVerifiesForTheSameKeyAndPepperOnly) {
  const Pepper pepper = test_pepper();
  const std::string text = generate("live");
  const std::string other_text = generate("live");
  const auto key = parse_api_key(text).value();
  const KeyMac mac = mac_of(key, pepper);
  EXPECT_TRUE(mac_matches(key, pepper, mac));
  EXPECT_FALSE(mac_matches(parse_api_key(other_text).value(), pepper, mac));
  EXPECT_FALSE(mac_matches(key, test_pepper(1, 'q'), mac));
  EXPECT_FALSE(mac_matches(key, pepper, KeyMac{}));
  KeyMac flipped = mac;
  flipped.back() ^= 1;
  EXPECT_FALSE(mac_matches(key, pepper, flipped));
}

TEST(Pepper, NeedsThirtyTwoBytesAndAVersion) {
  EXPECT_EQ(Pepper::create(1, Secret::take(std::string(31, 'p'))).error().code, "pepper.too_short");
  EXPECT_TRUE(Pepper::create(1, Secret::take(std::string(32, 'p'))).has_value());
  EXPECT_EQ(Pepper::create(0, Secret::take(std::string(32, 'p'))).error().code,
            "pepper.bad_version");
  EXPECT_EQ(Pepper::create(1, Secret()).error().code, "pepper.too_short");
}

TEST(Peppers, ReadWhatNewLineWrote) {
  testing::FakeEntropy entropy;
  std::string file = "# the peppers\n\n";
  file += Peppers::new_line(1, entropy).unsafe_reveal_text();
  file += Peppers::new_line(7, entropy).unsafe_reveal_text();
  file += Peppers::new_line(3, entropy).unsafe_reveal_text();
  const auto peppers = Peppers::parse(Secret::take(std::move(file)));
  ASSERT_TRUE(peppers.has_value());
  EXPECT_EQ(peppers->newest().version(), 7u);
  ASSERT_NE(peppers->find(3), nullptr);
  EXPECT_EQ(peppers->find(3)->version(), 3u);
  EXPECT_EQ(peppers->find(2), nullptr);
  EXPECT_EQ(peppers->find(0), nullptr);
  EXPECT_EQ(peppers->find(-1), nullptr);
  EXPECT_EQ(peppers->find((int64_t{1} << 32) + 1), nullptr);
}

TEST(Peppers, RefuseBadFiles) {
  const std::string good(43, 'A');  // 32 zero bytes
  const auto code_of = [](std::string file) {
    const auto parsed = Peppers::parse(Secret::take(std::move(file)));
    return parsed ? "" : parsed.error().code;
  };
  EXPECT_EQ(code_of(""), "pepper.none");
  EXPECT_EQ(code_of("# nothing\n"), "pepper.none");
  EXPECT_EQ(code_of("1 " + good), "");
  EXPECT_EQ(code_of(good), "pepper.malformed");
  EXPECT_EQ(code_of("x " + good), "pepper.malformed");
  EXPECT_EQ(code_of("1x " + good), "pepper.malformed");
  EXPECT_EQ(code_of("1 " + good + "="), "pepper.malformed");
  EXPECT_EQ(code_of("1 AAAA"), "pepper.too_short");
  EXPECT_EQ(code_of("0 " + good), "pepper.bad_version");
  EXPECT_EQ(code_of("99999999999 " + good), "pepper.malformed");
  EXPECT_EQ(code_of("1 " + good + "\n1 " + good), "pepper.bad_version");
}

}  // namespace
}  // namespace countersign::protocol
