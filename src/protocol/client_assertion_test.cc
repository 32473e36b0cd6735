// Client assertions: what is written holds, and every claim that is absent, of a wrong type or
// wrong is refused.

#include "protocol/client_assertion.h"

#include <set>

#include <gtest/gtest.h>

#include "core/json.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"

namespace countersign::protocol {
namespace {

using namespace std::chrono_literals;

const WallTime now = testing::FakeClock().wall_now();
constexpr std::string_view issuer = "https://issuer.example";

const crypto::PrivateKey& key_of(const crypto::SignatureAlgorithm& algorithm) {
  static const auto make = [](const crypto::SignatureAlgorithm& a) {
    return crypto::PrivateKey::generate(a).value();
  };
  static const crypto::PrivateKey p256 = make(crypto::es256);
  static const crypto::PrivateKey rsa = make(crypto::ps256);
  static const crypto::PrivateKey ed25519 = make(crypto::eddsa);
  if (&algorithm == &crypto::es256) return p256;
  return &algorithm == &crypto::ps256 ? rsa : ed25519;
}

jose::JwkSet keys() {
  jose::JwkSet set;
  for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
    const crypto::PublicKey& key = key_of(*algorithm).public_key();
    EXPECT_TRUE(set.add({key, jose::thumbprint(key)}));
  }
  return set;
}

ClientAssertionRules rules() {
  ClientAssertionRules made;
  made.client_id = "shop";
  made.issuer = issuer;
  return made;
}

std::string seconds(WallTime time) {
  return std::to_string(to_unix_seconds(time));
}

// A sound assertion's claims with `name` set to the JSON text `value`; an empty value leaves it
// out.
std::string payload(std::string_view name = "", std::string_view value = "") {
  std::vector<std::pair<std::string, std::string>> members = {
      {"iss", R"("shop")"}, {"sub", R"("shop")"},  {"aud", R"("https://issuer.example")"},
      {"jti", R"("a-1")"},  {"iat", seconds(now)}, {"exp", seconds(now + 60s)}};
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  if (!value.empty()) members.emplace_back(name, value);
  std::string json;
  for (const auto& [key, text] : members) {
    json += (json.empty() ? "{\"" : ",\"") + key + "\":" + text;
  }
  return json + "}";
}

std::string sign(std::string_view claims, std::string_view typ = client_assertion_typ) {
  const crypto::PrivateKey& key = key_of(crypto::es256);
  return jose::sign_jws(as_bytes(claims), key, jose::thumbprint(key.public_key()), typ).value();
}

std::string verdict(std::string_view assertion, const ClientAssertionRules& with = rules()) {
  const auto verified = verify_client_assertion(assertion, keys(), with, now);
  return verified ? "" : verified.error().code;
}
std::string verdict_with(std::string_view name, std::string_view value) {
  return verdict(sign(payload(name, value)));
}

Json part_of(const Secret& assertion, size_t index) {
  std::string_view rest = assertion.unsafe_reveal_text();
  for (; index > 0; --index) rest.remove_prefix(rest.find('.') + 1);
  return Json::parse(as_text(decode_base64url(rest.substr(0, rest.find('.'))).value()));
}

std::string text_in(const Json& object, std::string_view name) {
  return string_member(object, name).value_or("(not a string)");
}

class ClientAssertionOfEachAlgorithm
    : public ::testing::TestWithParam<const crypto::SignatureAlgorithm*> {};

TEST_P(ClientAssertionOfEachAlgorithm, IsWrittenWithTheClaimsOfRfc7523AndHolds) {
  testing::FakeEntropy entropy;
  const ClientAssertionWriter writer(key_of(*GetParam()));
  const Secret assertion = writer.write("shop", issuer, now + 999ms, entropy).value();
  const Json header = part_of(assertion, 0);
  EXPECT_EQ(text_in(header, "alg"), GetParam()->jose_name);
  EXPECT_EQ(text_in(header, "typ"), "client-authentication+jwt");
  EXPECT_EQ(text_in(header, "kid"), jose::thumbprint(key_of(*GetParam()).public_key()));
  const Json claims = part_of(assertion, 1);
  EXPECT_EQ(text_in(claims, "iss"), "shop");
  EXPECT_EQ(text_in(claims, "sub"), "shop");
  EXPECT_EQ(text_in(claims, "aud"), issuer);  // one string, no array
  EXPECT_EQ(integer_member(claims, "iat"), to_unix_seconds(now));
  EXPECT_EQ(integer_member(claims, "exp"), to_unix_seconds(now) + 60);
  EXPECT_FALSE(claims.contains("nbf"));
  EXPECT_EQ(text_in(claims, "jti").size(), 22u);  // 128 bits in base64url
  const auto verified =
      verify_client_assertion(assertion.unsafe_reveal_text(), keys(), rules(), now);
  ASSERT_TRUE(verified) << verified.error().for_log();
  EXPECT_EQ(verified->client_id(), "shop");
  EXPECT_EQ(verified->jwt_id(), text_in(claims, "jti"));
  EXPECT_EQ(verified->expires_at(), now + 60s);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ClientAssertionOfEachAlgorithm,
                         ::testing::ValuesIn(crypto::signature_algorithms().begin(),
                                             crypto::signature_algorithms().end()),
                         [](const auto& info) { return std::string(info.param->jose_name); });

TEST(ClientAssertionWriter, NoTwoAssertionsAreAlikeAndAConfiguredKeyIdIsUsed) {
  testing::FakeEntropy entropy;
  const ClientAssertionWriter writer(key_of(crypto::eddsa), "key-7");
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const Secret assertion = writer.write("shop", issuer, now, entropy).value();
    EXPECT_EQ(text_in(part_of(assertion, 0), "kid"), "key-7");
    EXPECT_TRUE(ids.insert(text_in(part_of(assertion, 1), "jti")).second);
  }
}

TEST(ClientAssertion, EveryRequiredClaimMustBeThere) {
  EXPECT_EQ(verdict(sign(payload())), "");
  for (const char* name : {"iss", "sub", "aud", "exp", "jti"}) {
    EXPECT_EQ(verdict_with(name, ""), "assertion.claim_missing") << name;
  }
  for (const char* name : {"iss", "sub", "jti"}) {
    EXPECT_EQ(verdict_with(name, R"("")"), "assertion.claim_missing") << name;
  }
  EXPECT_EQ(verdict_with("aud", "[]"), "assertion.claim_missing");
  EXPECT_EQ(verdict_with("iat", ""), "");
}

TEST(ClientAssertion, EveryClaimOfAWrongTypeIsRefused) {
  for (const char* name : {"iss", "sub", "jti"}) {
    for (const char* value : {"7", "null", "true", "[\"shop\"]", "{}"}) {
      EXPECT_EQ(verdict_with(name, value), "assertion.bad_claims") << name << value;
    }
  }
  for (const char* value : {"7", "null", "[7]", "{}", "[[\"https://issuer.example\"]]"}) {
    EXPECT_EQ(verdict_with("aud", value), "assertion.bad_claims") << value;
  }
  for (const char* name : {"exp", "iat", "nbf"}) {
    for (const char* value : {"\"1800000060\"", "null", "true", "-1", "1e300", "[1]"}) {
      EXPECT_EQ(verdict_with(name, value), "assertion.bad_claims") << name << value;
    }
  }
  EXPECT_EQ(verdict_with("jti", "\"a\\u0000b\""), "assertion.bad_claims");
  EXPECT_EQ(verdict_with("jti", "\"" + std::string(256, 'j') + "\""), "");
  EXPECT_EQ(verdict_with("jti", "\"" + std::string(257, 'j') + "\""), "assertion.bad_claims");
}

TEST(ClientAssertion, IssuerAndSubjectAreTheClient) {
  EXPECT_EQ(verdict_with("iss", R"("other")"), "assertion.wrong_client");
  EXPECT_EQ(verdict_with("sub", R"("other")"), "assertion.wrong_client");
  EXPECT_EQ(verdict_with("sub", R"("Shop")"), "assertion.wrong_client");
}

TEST(ClientAssertion, TheAudienceIsTheIssuerAlone) {
  EXPECT_EQ(verdict_with("aud", R"(["https://issuer.example"])"), "");
  for (const char* value :
       {R"("https://issuer.example/")", R"("https://issuer.example/oauth2/token")", R"("")",
        R"(["https://issuer.example","https://other.example"])",
        R"(["https://other.example","https://issuer.example"])"}) {
    EXPECT_EQ(verdict_with("aud", value), "assertion.wrong_audience") << value;
  }
}

TEST(ClientAssertion, TimesHoldToTheirBoundaries) {
  EXPECT_EQ(verdict_with("exp", seconds(now)), "assertion.expired");
  EXPECT_EQ(verdict_with("exp", seconds(now + 1s)), "");
  EXPECT_EQ(verdict_with("exp", seconds(now) + ".999"), "assertion.expired");
  EXPECT_EQ(verdict_with("exp", seconds(now + 310s)), "");
  EXPECT_EQ(verdict_with("exp", seconds(now + 311s)), "assertion.lifetime_too_long");
  for (const char* name : {"iat", "nbf"}) {
    EXPECT_EQ(verdict_with(name, seconds(now + 10s)), "") << name;
    EXPECT_EQ(verdict_with(name, seconds(now + 11s)), "assertion.not_yet_valid") << name;
    EXPECT_EQ(verdict_with(name, seconds(now - 24h)), "") << name;
  }
}

TEST(ClientAssertion, ATokenOfAnotherTypeIsNone) {
  for (const char* typ :
       {"client-authentication+jwt", "application/Client-Authentication+JWT", "JWT", "jwt", ""}) {
    EXPECT_EQ(verdict(sign(payload(), typ)), "") << typ;
  }
  for (const char* typ : {"at+jwt", "dpop+jwt", "client-authentication", "x"}) {
    EXPECT_EQ(verdict(sign(payload(), typ)), "assertion.wrong_typ") << typ;
  }
  ClientAssertionRules strict = rules();
  strict.typ_required = true;
  EXPECT_EQ(verdict(sign(payload()), strict), "");
  EXPECT_EQ(verdict(sign(payload(), "JWT"), strict), "assertion.wrong_typ");
  EXPECT_EQ(verdict(sign(payload(), ""), strict), "assertion.wrong_typ");
}

TEST(ClientAssertion, IsRefusedUnderAnotherKeyOrAlgorithm) {
  const auto stranger = crypto::PrivateKey::generate(crypto::es256).value();
  const std::string known = jose::thumbprint(key_of(crypto::es256).public_key());
  const std::string forged =
      jose::sign_jws(as_bytes(payload()), stranger, known, client_assertion_typ).value();
  EXPECT_EQ(verdict(forged), "jose.bad_signature");
  ClientAssertionRules only_eddsa = rules();
  only_eddsa.algorithms = {&crypto::eddsa};
  EXPECT_EQ(verdict(sign(payload()), only_eddsa), "jose.alg_not_allowed");
}

TEST(ClientAssertion, ClaimsThatAreNoObjectAreRefused) {
  for (const char* claims : {"", "[]", "null", "\"shop\"", R"({"iss":"shop","iss":"shop"})"}) {
    EXPECT_EQ(verdict(sign(claims)), "assertion.bad_claims") << claims;
  }
}

TEST(ClientAssertion, RulesThatNobodyFilledInAcceptNothing) {
  ClientAssertionRules without_client = rules();
  without_client.client_id.clear();
  EXPECT_EQ(verdict(sign(payload()), without_client), "assertion.rules_incomplete");
  ClientAssertionRules without_issuer = rules();
  without_issuer.issuer.clear();
  EXPECT_EQ(verdict(sign(payload()), without_issuer), "assertion.rules_incomplete");
  ClientAssertionRules without_algorithm = rules();
  without_algorithm.algorithms.clear();
  EXPECT_EQ(verdict(sign(payload()), without_algorithm), "assertion.rules_incomplete");
}

TEST(ClientAssertion, NamesItsClientBeforeAnythingIsVerified) {
  EXPECT_EQ(parse_asserted_client_id(sign(payload())).value(), "shop");
  for (const std::string& text :
       {std::string(), std::string("a.b"), std::string("a.!.c"), sign("[]"),
        sign(payload("sub", "")), sign(payload("sub", "7")), std::string(9000, 'a') + ".e30.x"}) {
    const auto client = parse_asserted_client_id(text);
    ASSERT_FALSE(client) << text;
    EXPECT_EQ(client.error().code, "assertion.malformed");
  }
}

}  // namespace
}  // namespace countersign::protocol
