#include "jose/jwk.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "jose/test_tokens.h"

namespace countersign::jose {
namespace {

using namespace testing;

Json json_of(const crypto::SignatureAlgorithm& algorithm = crypto::es256) {
  return parse_json(to_json(Jwk{key_of(algorithm).public_key(), "k1"})).value();
}

std::string parse_changed(const crypto::SignatureAlgorithm& algorithm, std::string_view name,
                          const Json& value) {
  Json object = json_of(algorithm);
  object[std::string(name)] = value;
  return code_of(parse_jwk(to_text(object)));
}

std::string parse_without(const crypto::SignatureAlgorithm& algorithm, std::string_view name) {
  Json object = json_of(algorithm);
  object.erase(std::string(name));
  return code_of(parse_jwk(to_text(object)));
}

TEST(Jwk, SurvivesJson) {
  for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
    const auto jwk = parse_jwk(to_json(Jwk{key_of(*algorithm).public_key(), "k1"}));
    ASSERT_TRUE(jwk.has_value()) << jwk.error().for_log();
    EXPECT_EQ(jwk->key, key_of(*algorithm).public_key());
    EXPECT_EQ(jwk->kid, "k1");
    EXPECT_EQ(&jwk->algorithm(), algorithm);
  }
}

TEST(Jwk, WritesMembersInOrderAndNoEmptyKid) {
  const std::string json = to_json(Jwk{key().public_key(), ""});
  EXPECT_TRUE(json.starts_with(R"({"alg":"ES256","crv":"P-256","kty":"EC","use":"sig","x":")"))
      << json;
}

TEST(Jwk, RefusesPrivateAndSymmetricKeys) {
  EXPECT_EQ(parse_changed(crypto::es256, "d", "AAAA"), "jose.bad_jwk");
  EXPECT_EQ(parse_changed(crypto::eddsa, "d", "AAAA"), "jose.bad_jwk");
  for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    EXPECT_EQ(parse_changed(crypto::ps256, name, "AQAB"), "jose.bad_jwk") << name;
  }
  EXPECT_EQ(code_of(parse_jwk(R"({"kty":"oct","k":"AAAA"})")), "jose.bad_jwk");
}

TEST(Jwk, NeedsEachNumberAsABase64urlString) {
  for (const auto& [algorithm, name] :
       std::vector<std::pair<const crypto::SignatureAlgorithm*, std::string_view>>{
           {&crypto::es256, "x"},
           {&crypto::es256, "y"},
           {&crypto::ps256, "n"},
           {&crypto::ps256, "e"},
           {&crypto::eddsa, "x"}}) {
    EXPECT_EQ(parse_without(*algorithm, name), "jose.bad_jwk") << name;
    EXPECT_EQ(parse_changed(*algorithm, name, 1), "jose.bad_jwk") << name;
    EXPECT_EQ(parse_changed(*algorithm, name, ""), "jose.bad_jwk") << name;
    EXPECT_EQ(parse_changed(*algorithm, name, "AA=="), "jose.bad_jwk") << name;
    EXPECT_EQ(parse_changed(*algorithm, name, "A A"), "jose.bad_jwk") << name;
    EXPECT_NE(parse_changed(*algorithm, name, "AQ"), "") << name;
  }
}

TEST(Jwk, NeedsACurvesFullLength) {
  Json object = json_of();
  object["x"] = encode_base64url(Bytes(33));
  EXPECT_EQ(code_of(parse_jwk(to_text(object))), "crypto.bad_key");
}

TEST(Jwk, RefusesLeadingZerosInRsaNumbers) {
  Json object = json_of(crypto::ps256);
  Bytes modulus = decode_base64url(object["n"].get<std::string>()).value();
  modulus.insert(modulus.begin(), 0);
  EXPECT_EQ(parse_changed(crypto::ps256, "n", encode_base64url(modulus)), "jose.bad_jwk");
  EXPECT_EQ(parse_changed(crypto::ps256, "e", "AAEAAQ"), "jose.bad_jwk");
}

TEST(Jwk, TellsWhatIsNotSupportedFromWhatIsMalformed) {
  EXPECT_EQ(parse_changed(crypto::es256, "kty", "oct"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::es256, "crv", "P-384"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::eddsa, "crv", "X25519"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::es256, "alg", "ES384"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::ps256, "alg", "RS256"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::es256, "use", "enc"), "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::es256, "key_ops", Json::array({"encrypt"})),
            "jose.key_not_supported");
  EXPECT_EQ(parse_changed(crypto::es256, "key_ops", Json::array({"verify"})), "");
  EXPECT_EQ(parse_without(crypto::es256, "alg"), "");
  EXPECT_EQ(parse_without(crypto::es256, "use"), "");
  EXPECT_EQ(parse_without(crypto::es256, "kid"), "");
  EXPECT_EQ(parse_without(crypto::es256, "kty"), "jose.bad_jwk");
  for (const std::string_view name : {"kty", "crv", "alg", "use", "kid"}) {
    EXPECT_EQ(parse_changed(crypto::es256, name, 1), "jose.bad_jwk") << name;
  }
}

TEST(Jwk, RefusesALongKidAndLargeInput) {
  EXPECT_EQ(parse_changed(crypto::es256, "kid", std::string(kid_bytes_max, 'k')), "");
  EXPECT_EQ(parse_changed(crypto::es256, "kid", std::string(kid_bytes_max + 1, 'k')),
            "jose.bad_jwk");
  EXPECT_EQ(parse_changed(crypto::es256, "x5c", std::string(jwk_bytes_max, 'x')), "json.too_large");
  EXPECT_EQ(code_of(parse_jwk("[]")), "jose.bad_jwk");
}

std::string set_of(const std::vector<Json>& keys) {
  Json document = Json::object();
  document["keys"] = keys;
  return to_text(document);
}

TEST(JwkSet, SkipsUnknownKeysAndRefusesUnsoundOnes) {
  const Json unknown = {{"kty", "AKP"}, {"alg", "ML-DSA-44"}, {"pub", "AAAA"}};
  EXPECT_EQ(JwkSet::parse(set_of({unknown, json_of()})).value().keys().size(), 1u);
  EXPECT_EQ(JwkSet::parse(set_of({})).value().keys().size(), 0u);
  Json unsound = json_of();
  unsound["y"] = unsound["x"];
  EXPECT_EQ(code_of(JwkSet::parse(set_of({json_of(crypto::eddsa), unsound}))), "jose.bad_jwk_set");
  Json with_private_half = json_of();
  with_private_half["d"] = "AAAA";
  EXPECT_EQ(code_of(JwkSet::parse(set_of({with_private_half}))), "jose.bad_jwk_set");
  EXPECT_EQ(code_of(JwkSet::parse(set_of({Json("x")}))), "jose.bad_jwk_set");
}

TEST(JwkSet, NeedsAnArrayOfKeys) {
  for (const std::string_view json : {"{}", "[]", R"({"keys":{}})", R"({"keys":null})"}) {
    EXPECT_EQ(code_of(JwkSet::parse(json)), "jose.bad_jwk_set") << json;
  }
}

TEST(JwkSet, HoldsAtMostThirtyTwoKeys) {
  std::vector<Json> many;
  for (size_t i = 0; i < jwk_set_keys_max; ++i) {
    many.push_back(json_of());
    many.back()["kid"] = std::to_string(i);
  }
  JwkSet set = JwkSet::parse(set_of(many)).value();
  EXPECT_EQ(set.keys().size(), jwk_set_keys_max);
  EXPECT_EQ(code_of(set.add({key().public_key(), "one more"})), "jose.bad_jwk_set");
  many.push_back({{"kty", "AKP"}});
  EXPECT_EQ(code_of(JwkSet::parse(set_of(many))), "jose.bad_jwk_set");
}

TEST(JwkSet, RefusesTwoKeysOfOneKidAndAlgorithm) {
  EXPECT_EQ(code_of(JwkSet::parse(set_of({json_of(), json_of()}))), "jose.bad_jwk_set");
  EXPECT_EQ(JwkSet::parse(set_of({json_of(), json_of(crypto::eddsa)})).value().keys().size(), 2u);
}

TEST(JwkSet, FindsByKidAndAlgorithm) {
  JwkSet set = keys();
  EXPECT_EQ(set.find("k1", crypto::es256)->key, key().public_key());
  EXPECT_EQ(set.find("k1", crypto::eddsa)->key, key_of(crypto::eddsa).public_key());
  EXPECT_EQ(set.find("k2", crypto::es256), nullptr);
  EXPECT_NE(set.find("", crypto::es256), nullptr);
  ASSERT_TRUE(set.add({key().public_key(), "k2"}).has_value());
  EXPECT_EQ(set.find("", crypto::es256), nullptr);
  EXPECT_NE(set.find("k2", crypto::es256), nullptr);
  EXPECT_EQ(JwkSet().find("", crypto::es256), nullptr);
}

TEST(JwkSet, SurvivesJson) {
  const JwkSet again = JwkSet::parse(keys().to_json()).value();
  EXPECT_EQ(again.keys().size(), 3u);
  EXPECT_EQ(again.to_json(), keys().to_json());
}

}  // namespace
}  // namespace countersign::jose
