// An access token, from anyone, against one fixed key: parsing must hold up, and nothing but what
// that key signed may be verified. The corpus has tokens that the key did sign, so that claims are
// reached, too.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "jose/jwt.h"

namespace {

using namespace countersign;

void check(bool holds) {
  if (!holds) std::abort();
}

jose::JwkSet fixed_keys() {
  auto keys = jose::JwkSet::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1",
      "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  check(keys.has_value());
  return *std::move(keys);
}

jose::JwtRules fixed_rules() {
  jose::JwtRules rules;
  rules.issuer = "https://issuer.bank.example";
  rules.audience = "https://api.bank.example";
  rules.typ = "at+jwt";
  return rules;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const jose::JwkSet keys = fixed_keys();
  static const jose::JwtRules rules = fixed_rules();
  const WallTime now = from_unix_seconds(1'800'000'000);
  const auto token = jose::verify_token(as_text({data, size}), keys, rules, now);
  if (!token) {
    check(!token.error().code.empty() && token.error().code.starts_with("jose."));
    return 0;
  }
  check(token->issuer() == rules.issuer && token->expires_at() > now);
  check(token->kid().empty() || token->kid() == "k1");
  check(token->typ() == "at+jwt");
  return 0;
}
