// Keys, rules and hand-made tokens for the tests of this layer: a signature that holds over
// whatever header and payload a test wants.

#pragma once

#include <gtest/gtest.h>

#include "jose/jwt.h"
#include "support/fake_clock.h"

namespace countersign::jose::testing {

using namespace std::chrono_literals;

inline const WallTime now = countersign::testing::FakeClock().wall_now();

inline const crypto::PrivateKey& key_of(const crypto::SignatureAlgorithm& algorithm) {
  static const auto make = [](const crypto::SignatureAlgorithm& a) {
    return crypto::PrivateKey::generate(a).value();
  };
  static const crypto::PrivateKey p256 = make(crypto::es256);
  static const crypto::PrivateKey rsa = make(crypto::ps256);
  static const crypto::PrivateKey ed25519 = make(crypto::eddsa);
  if (&algorithm == &crypto::es256) return p256;
  return &algorithm == &crypto::ps256 ? rsa : ed25519;
}
inline const crypto::PrivateKey& key() {
  return key_of(crypto::es256);
}

inline JwkSet keys() {
  JwkSet set;
  for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
    EXPECT_TRUE(set.add({key_of(*algorithm).public_key(), "k1"}).has_value());
  }
  return set;
}

inline JwtRules rules() {
  JwtRules rules;
  rules.issuer = "https://issuer.bank.example";
  rules.audience = "https://api.bank.example";
  rules.typ = "at+jwt";
  return rules;
}

inline TokenClaims claims() {
  TokenClaims claims;
  claims.issuer = rules().issuer;
  claims.subject = "billing";
  claims.audiences = {rules().audience};
  claims.client_id = "billing";
  claims.scope = "payments:read payments:write";
  claims.jwt_id = "t-1";
  claims.issued_at = now;
  claims.expires_at = now + 300s;
  return claims;
}

inline std::string header_json(std::string_view alg = "ES256", std::string_view more = "") {
  return R"({"alg":")" + std::string(alg) + R"(","typ":"at+jwt","kid":"k1")" + std::string(more) +
         "}";
}

inline std::string time_text(WallTime time) {
  return std::to_string(to_unix_seconds(time));
}

// The claims above as JSON, with `name` set to the JSON text `value`; an empty value leaves it out.
inline std::string payload_json(std::string_view name = "", std::string_view value = "") {
  std::vector<std::pair<std::string, std::string>> members = {
      {"iss", R"("https://issuer.bank.example")"},
      {"sub", R"("billing")"},
      {"aud", R"("https://api.bank.example")"},
      {"client_id", R"("billing")"},
      {"jti", R"("t-1")"},
      {"iat", time_text(now)},
      {"exp", time_text(now + 300s)}};
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
  if (!value.empty()) members.emplace_back(name, value);
  std::string json;
  for (const auto& [key, text] : members) {
    json += (json.empty() ? "{\"" : ",\"") + key + "\":" + text;
  }
  return json + "}";
}

inline std::string sign_raw(std::string_view header, std::string_view payload,
                            const crypto::PrivateKey& with = key()) {
  const std::string text =
      encode_base64url(as_bytes(header)) + "." + encode_base64url(as_bytes(payload));
  return text + "." + encode_base64url(with.sign(as_bytes(text)).value());
}

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

inline std::string verify(std::string_view compact) {
  return code_of(verify_token(compact, keys(), rules(), now));
}
inline std::string verify_payload(std::string_view payload) {
  return verify(sign_raw(header_json(), payload));
}

}  // namespace countersign::jose::testing
