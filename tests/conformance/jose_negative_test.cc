// Bugs that others shipped in token verification, one test each, by their number in the project's
// list of negative tests. What is varied further stands in jose's unit tests.

#include <gtest/gtest.h>

#include "jose/test_tokens.h"

namespace countersign::jose {
namespace {

using namespace testing;

TEST(JoseNegative, No01AlgNoneInAnyCase) {
  for (const std::string_view alg : {"none", "None", "NONE", "nOnE", ""}) {
    EXPECT_EQ(verify(sign_raw(header_json(alg), payload_json())), "jose.alg_not_allowed") << alg;
    const std::string unsigned_token = encode_base64url(as_bytes(header_json(alg))) + "." +
                                       encode_base64url(as_bytes(payload_json())) + ".";
    EXPECT_EQ(verify(unsigned_token), "jose.malformed") << alg;
  }
}

TEST(JoseNegative, No02PublicKeyAsHmacKey) {
  const std::string text = encode_base64url(as_bytes(header_json("HS256"))) + "." +
                           encode_base64url(as_bytes(payload_json()));
  const auto mac =
      crypto::hmac_sha256(Secret::copy_of(key().public_key().to_pem()), as_bytes(text));
  EXPECT_EQ(verify(text + "." + encode_base64url(mac)), "jose.alg_not_allowed");
}

TEST(JoseNegative, No03UnknownCrit) {
  for (const std::string_view crit : {R"(["x"])", R"(["exp"])", "[]", R"("x")", "null"}) {
    EXPECT_EQ(
        verify(sign_raw(header_json("ES256", R"(,"crit":)" + std::string(crit)), payload_json())),
        "jose.header_refused")
        << crit;
  }
}

TEST(JoseNegative, No04KeyFromTheHeader) {
  const auto thief = crypto::PrivateKey::generate(crypto::es256).value();
  const std::string jwk = to_json(Jwk{thief.public_key(), "k1"});
  for (const std::string& more :
       {R"(,"jwk":)" + jwk, std::string(R"(,"jku":"https://evil.example")"),
        std::string(R"(,"x5u":"https://evil.example")"), std::string(R"(,"x5c":["AAAA"])")}) {
    EXPECT_EQ(verify(sign_raw(header_json("ES256", more), payload_json(), thief)),
              "jose.header_refused")
        << more;
    EXPECT_EQ(verify(sign_raw(header_json("ES256", more), payload_json())), "jose.header_refused");
  }
}

TEST(JoseNegative, No05KidIsOnlyEverCompared) {
  for (const std::string_view kid :
       {"../../dev/null", "k1' OR '1'='1", "https://evil.example/k1", "k1\\u0000", "/etc/passwd"}) {
    const std::string header =
        R"({"alg":"ES256","typ":"at+jwt","kid":")" + std::string(kid) + "\"}";
    EXPECT_EQ(verify(sign_raw(header, payload_json())), "jose.key_unknown") << kid;
  }
  const std::string header =
      R"({"alg":"ES256","typ":"at+jwt","kid":")" + std::string(kid_bytes_max + 1, 'k') + "\"}";
  EXPECT_EQ(verify(sign_raw(header, payload_json())), "jose.bad_header");
}

TEST(JoseNegative, No06AnotherIssuersKeyOfTheSameKid) {
  const auto other_issuers_key = crypto::PrivateKey::generate(crypto::es256).value();
  JwkSet other_issuers_keys;
  ASSERT_TRUE(other_issuers_keys.add({other_issuers_key.public_key(), "k1"}).has_value());
  const std::string token = TokenWriter(other_issuers_key, "k1").sign(claims()).value();
  EXPECT_EQ(verify(token), "jose.bad_signature");
  // With the other issuer's own keys it verifies, and then the rules' issuer decides.
  JwtRules other_rules = rules();
  other_rules.issuer = "https://other.example";
  EXPECT_EQ(code_of(verify_token(token, other_issuers_keys, other_rules, now)),
            "jose.issuer_mismatch");
}

TEST(JoseNegative, No07AnotherKindOfTokenAsAccessToken) {
  for (const std::string_view typ :
       {"JWT", "dpop+jwt", "client-authentication+jwt", "vp+jwt", ""}) {
    const std::string token = TokenWriter(key(), "k1", typ).sign(claims()).value();
    EXPECT_EQ(verify(token), "jose.typ_mismatch") << typ;
  }
}

TEST(JoseNegative, No08AudMissingUnconfiguredArrayOrPrefix) {
  EXPECT_EQ(verify_payload(payload_json("aud")), "jose.claim_missing");
  EXPECT_EQ(verify_payload(payload_json("aud", R"(["https://other.example"])")),
            "jose.audience_mismatch");
  EXPECT_EQ(verify_payload(payload_json("aud", R"("https://api.bank.example/x")")),
            "jose.audience_mismatch");
  EXPECT_EQ(verify_payload(payload_json("aud", R"("https://api.bank.exampl")")),
            "jose.audience_mismatch");
  JwtRules unconfigured = rules();
  unconfigured.audience.clear();
  EXPECT_EQ(
      code_of(verify_token(sign_raw(header_json(), payload_json()), keys(), unconfigured, now)),
      "jose.rules_incomplete");
}

TEST(JoseNegative, No09ExpAndIatOfWrongTypeOrHuge) {
  for (const std::string_view name : {"exp", "iat"}) {
    EXPECT_EQ(verify_payload(payload_json(name)), "jose.claim_missing") << name;
    for (const std::string_view value :
         {"\"1900000000\"", "true", "null", "[1900000000]", "1e18", "9223372036854775808", "-1"}) {
      EXPECT_EQ(verify_payload(payload_json(name, value)), "jose.bad_claims") << name << value;
    }
  }
}

TEST(JoseNegative, No10TruncatedToken) {
  const std::string token = sign_raw(header_json(), payload_json());
  ASSERT_EQ(verify(token), "");
  for (size_t size = 0; size < token.size(); ++size) {
    EXPECT_NE(verify(std::string_view(token).substr(0, size)), "") << size;
  }
}

TEST(JoseNegative, No11OddEcdsaNumbers) {
  const Bytes order =
      decode_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  const Bytes zero(32, 0);
  Bytes one(32, 0);
  one.back() = 1;
  const std::string text =
      encode_base64url(as_bytes(header_json())) + "." + encode_base64url(as_bytes(payload_json()));
  const std::vector<Bytes> numbers = {zero, one, order, Bytes(32, 0xff)};
  for (const Bytes& r : numbers) {
    for (const Bytes& s : numbers) {
      Bytes signature = r;
      signature.insert(signature.end(), s.begin(), s.end());
      EXPECT_EQ(verify(text + "." + encode_base64url(signature)), "jose.bad_signature");
    }
  }
  for (const size_t length : {1, 63, 65, 70, 96, 128}) {
    EXPECT_EQ(verify(text + "." + encode_base64url(Bytes(length, 1))), "jose.bad_signature");
  }
}

TEST(JoseNegative, No12LaxBase64url) {
  const std::string token = sign_raw(header_json(), payload_json());
  const size_t payload_end = token.rfind('.');
  for (const std::string_view odd : {"=", " ", "\n", "\t", "+", "/", "%3D"}) {
    EXPECT_EQ(verify(token + std::string(odd)), "jose.malformed") << odd;
    std::string changed = token;
    EXPECT_EQ(verify(changed.insert(payload_end, odd)), "jose.malformed") << odd;
  }
  // A signature of 64 octets leaves four unused bits in its last character.
  std::string twin = token;
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  twin.back() = alphabet[alphabet.find(twin.back()) + 1];
  EXPECT_EQ(verify(twin), "jose.malformed");
}

TEST(JoseNegative, No13DuplicateMembers) {
  EXPECT_EQ(verify(sign_raw(header_json("ES256", R"(,"alg":"ES256")"), payload_json())),
            "jose.bad_header");
  std::string payload = payload_json();
  payload.back() = ',';
  EXPECT_EQ(verify_payload(payload + R"("sub":"admin"})"), "jose.bad_claims");
  EXPECT_EQ(verify_payload(payload_json("cnf", R"({"x5t#S256":"a","x5t#S256":"b"})")),
            "jose.bad_claims");
}

TEST(JoseNegative, No14ManyDotsAndDeepJson) {
  EXPECT_EQ(verify(std::string(1'000'000, '.')), "jose.too_large");
  EXPECT_EQ(verify(std::string(8'000, '.')), "jose.malformed");
  EXPECT_EQ(verify_payload(payload_json("x", std::string(1000, '[') + std::string(1000, ']'))),
            "jose.bad_claims");
  EXPECT_EQ(verify(sign_raw(header_json("ES256", R"(,"x":[[[[[[]]]]]])"), payload_json())),
            "jose.bad_header");
}

TEST(JoseNegative, No15EncryptedTokensAndCompression) {
  const std::string header = encode_base64url(
      as_bytes(R"({"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"AAAA"})"));
  EXPECT_EQ(verify(header + ".AAAA.AAAA.AAAA.AAAA"), "jose.malformed");
  EXPECT_EQ(verify(header + ".AAAA.AAAA"), "jose.alg_not_allowed");
  EXPECT_EQ(verify(sign_raw(header_json("ES256", R"(,"zip":"DEF")"), payload_json())),
            "jose.header_refused");
}

TEST(JoseNegative, No16OversizedRsaKeyAndKeysOfOtherKinds) {
  Bytes modulus(2049, 0xff);
  const std::string huge = R"({"kty":"RSA","e":"AQAB","n":")" + encode_base64url(modulus) + "\"}";
  EXPECT_EQ(code_of(parse_jwk(huge)), "crypto.bad_key");
  EXPECT_EQ(code_of(JwkSet::parse(R"({"keys":[)" + huge + "]}")), "jose.bad_jwk_set");
  modulus.resize(256);
  EXPECT_EQ(
      code_of(parse_jwk(R"({"kty":"RSA","e":"AQAAAAE","n":")" + encode_base64url(modulus) + "\"}")),
      "crypto.key_not_supported");
  EXPECT_EQ(code_of(parse_jwk(R"({"kty":"EC","n":"AQAB","e":"AQAB"})")), "jose.key_not_supported");
  EXPECT_EQ(code_of(parse_jwk(R"({"kty":"OKP"})")), "jose.key_not_supported");
}

}  // namespace
}  // namespace countersign::jose
