#include "jose/jwt.h"

#include <gtest/gtest.h>

#include "jose/test_tokens.h"

namespace countersign::jose {
namespace {

using namespace testing;

std::string verify_at(const TokenClaims& claims, WallTime at, const JwtRules& with = rules()) {
  const std::string token = TokenWriter(key(), "k1").sign(claims).value();
  return code_of(verify_token(token, keys(), with, at));
}

// One claim replaced by this JSON text, or left out.
std::string verify_claim(std::string_view name, std::string_view value) {
  return verify_payload(payload_json(name, value));
}

TEST(TokenWriter, WritesWhatTheVerifierReads) {
  TokenClaims written = claims();
  written.audiences.push_back("https://other.example");
  written.not_before = now - 1s;
  written.confirmations = {{"x5t#S256", "abc"}};
  written.extra = {{"environment", "te\"st\n"}};
  for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
    const std::string compact = TokenWriter(key_of(*algorithm), "k1").sign(written).value();
    const auto token = verify_token(compact, keys(), rules(), now);
    ASSERT_TRUE(token.has_value()) << token.error().for_log();
    EXPECT_EQ(token->issuer(), written.issuer);
    EXPECT_EQ(token->subject(), written.subject);
    EXPECT_EQ(token->audiences(), written.audiences);
    EXPECT_EQ(token->client_id(), written.client_id);
    EXPECT_EQ(token->scope(), written.scope);
    EXPECT_EQ(token->jwt_id(), written.jwt_id);
    EXPECT_EQ(token->issued_at(), written.issued_at);
    EXPECT_EQ(token->expires_at(), written.expires_at);
    EXPECT_EQ(token->not_before(), written.not_before);
    ASSERT_EQ(token->confirmations().size(), 1u);
    EXPECT_EQ(token->confirmations()[0].name, "x5t#S256");
    EXPECT_EQ(token->confirmations()[0].value, "abc");
    EXPECT_TRUE(token->confirmations()[0].is_text);
    EXPECT_EQ(token->kid(), "k1");
    EXPECT_EQ(token->typ(), "at+jwt");
    ASSERT_NE(token->string_claim("environment"), nullptr);
    EXPECT_EQ(*token->string_claim("environment"), "te\"st\n");
    EXPECT_EQ(token->string_claim("absent"), nullptr);
    EXPECT_EQ(token->string_claim("iss"), nullptr);
  }
}

TEST(JwtVerifier, RejectsTokenWhoseExpEqualsNow) {
  const TokenClaims good = claims();
  EXPECT_EQ(verify_at(good, good.expires_at - 1us), "");
  EXPECT_EQ(verify_at(good, good.expires_at), "jose.expired");
  EXPECT_EQ(verify_at(good, good.expires_at + 1h), "jose.expired");
}

TEST(JwtVerifier, GivesExpNoLeewayWhateverTheClockSkew) {
  JwtRules generous = rules();
  generous.clock_skew = 60s;
  EXPECT_EQ(verify_at(claims(), claims().expires_at, generous), "jose.expired");
}

TEST(JwtVerifier, ChecksExpsFormAndRange) {
  EXPECT_EQ(verify_claim("exp", ""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("exp", "\"" + time_text(now + 300s) + "\""), "jose.bad_claims");
  for (const std::string_view value : {"null", "true", "[]", "{}", "-1", "-0.5", "253402300800",
                                       "1e300", "18446744073709551615", "9223372036854775807"}) {
    EXPECT_EQ(verify_claim("exp", value), "jose.bad_claims") << value;
  }
  EXPECT_EQ(verify_claim("exp", "0"), "jose.expired");
  EXPECT_EQ(verify_claim("exp", "253402300799"), "");
  EXPECT_EQ(verify_claim("exp", "1e999"), "jose.bad_claims");
}

TEST(JwtVerifier, RoundsAFractionDown) {
  EXPECT_EQ(verify_claim("exp", time_text(now) + ".9"), "jose.expired");
  EXPECT_EQ(verify_claim("exp", time_text(now + 1s) + ".0"), "");
  EXPECT_EQ(verify_claim("iat", time_text(now + 10s) + ".9"), "");
}

TEST(JwtVerifier, TakesIatAndNbfUpToTheSkewInTheFuture) {
  for (const std::string_view name : {"iat", "nbf"}) {
    EXPECT_EQ(verify_claim(name, time_text(now + 10s)), "") << name;
    EXPECT_EQ(verify_claim(name, time_text(now + 11s)), "jose.not_yet_valid") << name;
    EXPECT_EQ(verify_claim(name, "\"1\""), "jose.bad_claims") << name;
    EXPECT_EQ(verify_claim(name, "1e300"), "jose.bad_claims") << name;
  }
  EXPECT_EQ(verify_claim("iat", ""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("nbf", ""), "");
}

TEST(JwtVerifier, ChecksIss) {
  EXPECT_EQ(verify_claim("iss", ""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("iss", "\"\""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("iss", "1"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("iss", "[\"https://issuer.bank.example\"]"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("iss", "\"https://issuer.bank.example/\""), "jose.issuer_mismatch");
  EXPECT_EQ(verify_claim("iss", "\"https://ISSUER.bank.example\""), "jose.issuer_mismatch");
}

TEST(JwtVerifier, ChecksAud) {
  EXPECT_EQ(verify_claim("aud", ""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("aud", "\"\""), "jose.claim_missing");
  EXPECT_EQ(verify_claim("aud", "null"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("aud", "{}"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("aud", "[1]"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("aud", "[\"https://api.bank.example\",1]"), "jose.bad_claims");
  EXPECT_EQ(verify_claim("aud", "[]"), "jose.audience_mismatch");
  EXPECT_EQ(verify_claim("aud", "\"https://api.bank.example.evil.example\""),
            "jose.audience_mismatch");
  EXPECT_EQ(verify_claim("aud", "\"https://api.bank\""), "jose.audience_mismatch");
  EXPECT_EQ(verify_claim("aud", "[\"https://api.bank.example\"]"), "");
  EXPECT_EQ(verify_claim("aud", "[\"x\",\"https://api.bank.example\"]"), "");
  std::string many = "[\"https://api.bank.example\"";
  for (int i = 0; i < 32; ++i) many += ",\"x\"";
  EXPECT_EQ(verify_claim("aud", many + "]"), "jose.bad_claims");
}

TEST(JwtVerifier, ChecksTheClaimsThatAccessTokensMustHave) {
  for (const std::string_view name : {"sub", "jti", "client_id"}) {
    EXPECT_EQ(verify_claim(name, ""), "jose.claim_missing") << name;
    EXPECT_EQ(verify_claim(name, "\"\""), "jose.claim_missing") << name;
    EXPECT_EQ(verify_claim(name, "7"), "jose.bad_claims") << name;
    EXPECT_EQ(verify_claim(name, "null"), "jose.bad_claims") << name;
    EXPECT_EQ(verify_claim(name, "\"x\""), "") << name;
  }
  EXPECT_EQ(verify_claim("scope", "[\"payments:read\"]"), "jose.bad_claims");
  JwtRules assertion = rules();
  assertion.required_claims = {"jti"};
  const std::string token = sign_raw(header_json(), payload_json("client_id", ""));
  EXPECT_EQ(code_of(verify_token(token, keys(), assertion, now)), "");
}

TEST(JwtVerifier, KeepsEveryMemberOfCnfForItsCaller) {
  const std::string token = sign_raw(
      header_json(), payload_json("cnf", R"({"x5t#S256":"abc","jwk":{"kty":"EC"},"new":1})"));
  const auto verified = verify_token(token, keys(), rules(), now);
  ASSERT_TRUE(verified.has_value()) << verified.error().for_log();
  const auto& members = verified->confirmations();
  ASSERT_EQ(members.size(), 3u);
  EXPECT_TRUE(members[0].is_text);
  EXPECT_EQ(members[1].name, "jwk");
  EXPECT_EQ(members[1].value, R"({"kty":"EC"})");
  EXPECT_FALSE(members[1].is_text);
  EXPECT_EQ(members[2].name, "new");
  EXPECT_FALSE(members[2].is_text);
}

TEST(JwtVerifier, RejectsACnfThatBindsNothing) {
  for (const std::string_view value : {"{}", "null", "\"abc\"", "[]", "1"}) {
    EXPECT_EQ(verify_claim("cnf", value), "jose.bad_claims") << value;
  }
}

TEST(JwtVerifier, ComparesTypWithoutCaseAndPrefix) {
  const auto verify_typ = [](std::string_view member) {
    return verify(
        sign_raw(R"({"alg":"ES256","kid":"k1")" + std::string(member) + "}", payload_json()));
  };
  EXPECT_EQ(verify_typ(R"(,"typ":"at+jwt")"), "");
  EXPECT_EQ(verify_typ(R"(,"typ":"AT+JWT")"), "");
  EXPECT_EQ(verify_typ(R"(,"typ":"application/at+jwt")"), "");
  EXPECT_EQ(verify_typ(R"(,"typ":"Application/At+Jwt")"), "");
  EXPECT_EQ(verify_typ(""), "jose.typ_mismatch");
  EXPECT_EQ(verify_typ(R"(,"typ":"JWT")"), "jose.typ_mismatch");
  EXPECT_EQ(verify_typ(R"(,"typ":"dpop+jwt")"), "jose.typ_mismatch");
  EXPECT_EQ(verify_typ(R"(,"typ":"text/at+jwt")"), "jose.typ_mismatch");
  EXPECT_EQ(verify_typ(R"(,"typ":1)"), "jose.bad_header");
}

TEST(JwtVerifier, LimitsTheLifetimeWhereAskedTo) {
  JwtRules strict = rules();
  strict.lifetime_max = 300s;
  EXPECT_EQ(verify_at(claims(), now, strict), "");
  TokenClaims longer = claims();
  longer.expires_at += 1s;
  EXPECT_EQ(verify_at(longer, now, strict), "jose.lifetime_too_long");
  EXPECT_EQ(verify_at(longer, now), "");
  strict.required_claims.clear();
  const std::string token = sign_raw(header_json(), payload_json("iat", ""));
  EXPECT_EQ(code_of(verify_token(token, keys(), strict, now)), "jose.claim_missing");
}

TEST(JwtVerifier, RejectsEverythingIfItsRulesAreIncomplete) {
  const auto with = [](auto change) {
    JwtRules changed = rules();
    change(changed);
    return verify_at(claims(), now, changed);
  };
  EXPECT_EQ(with([](JwtRules&) {}), "");
  EXPECT_EQ(with([](JwtRules& r) { r.issuer.clear(); }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.audience.clear(); }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.typ.clear(); }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.algorithms.clear(); }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.clock_skew = 61s; }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.clock_skew = -1s; }), "jose.rules_incomplete");
  EXPECT_EQ(with([](JwtRules& r) { r.clock_skew = 60s; }), "");
}

TEST(JwtVerifier, RejectsAPayloadThatIsNoSoundObject) {
  for (const std::string_view payload : {"", "null", "[]", "\"x\"", "{", "{}x", "\xff"}) {
    EXPECT_EQ(verify_payload(payload), "jose.bad_claims") << payload;
  }
}

TEST(JwtVerifier, RejectsATokenOverTheLimitBeforeItLooksAtIt) {
  JwtRules small = rules();
  const std::string token = sign_raw(header_json(), payload_json());
  small.bytes_max = token.size();
  EXPECT_EQ(code_of(verify_token(token, keys(), small, now)), "");
  small.bytes_max = token.size() - 1;
  EXPECT_EQ(code_of(verify_token(token, keys(), small, now)), "jose.too_large");
}

}  // namespace
}  // namespace countersign::jose
