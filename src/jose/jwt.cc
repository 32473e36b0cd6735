#include "jose/jwt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/ascii.h"
#include "core/json.h"

namespace countersign::jose {

class TokenVerification {
 public:
  static Result<VerifiedToken> verify(const VerifiedJws& jws, const JwtRules& rules, WallTime now);
};

namespace {

constexpr std::chrono::seconds clock_skew_max{60};
constexpr int claims_depth_max = 8;
constexpr size_t audiences_max = 32;
constexpr size_t confirmations_max = 8;
// The end of year 9999: later is no date but a way to overflow somebody's arithmetic.
constexpr int64_t time_max = 253'402'300'799;

std::unexpected<Error> refuse(std::string_view code, std::string_view text,
                              std::string_view detail = {}) {
  return fail(ErrorKind::unauthenticated, code, text, detail);
}

std::unexpected<Error> bad_claim(std::string_view name) {
  return refuse("jose.bad_claims", "a claim of the token is malformed", name);
}

Result<void> check_rules(const JwtRules& rules) {
  const bool complete = !rules.issuer.empty() && !rules.audience.empty() && !rules.typ.empty() &&
                        !rules.algorithms.empty() && rules.clock_skew >= rules.clock_skew.zero() &&
                        rules.clock_skew <= clock_skew_max;
  if (complete) return {};
  return fail(ErrorKind::misconfigured, "jose.rules_incomplete",
              "this server is not configured to accept tokens",
              "issuer, audience, typ and algorithms are needed, and a clock skew of 0 to 60 s");
}

std::string normal_typ(std::string_view typ) {
  constexpr std::string_view prefix = "application/";
  std::string lower = ascii::lower(typ);
  if (lower.starts_with(prefix)) lower.erase(0, prefix.size());
  return lower;
}

// The string claim into `out`, if it is there.
Result<void> read_text(const Json& claims, std::string_view name, std::string& out) {
  if (!has_member(claims, name)) return {};
  auto text = string_member(claims, name);
  if (!text) return bad_claim(name);
  out = *std::move(text);
  return {};
}

// RFC 7519 §2 NumericDate: seconds, fractions allowed. Rounded down: for exp that is the strict
// side.
Result<void> read_time(const Json& claims, std::string_view name, std::optional<WallTime>& out) {
  if (!has_member(claims, name)) return {};
  const Json& value = *claims.find(name);
  if (!value.is_number()) return bad_claim(name);
  const double seconds = std::floor(value.get<double>());
  if (!(seconds >= 0 && seconds <= static_cast<double>(time_max))) return bad_claim(name);
  out = from_unix_seconds(static_cast<int64_t>(seconds));
  return {};
}

Result<void> read_audiences(const Json& claims, std::vector<std::string>& out) {
  if (!has_member(claims, "aud")) return {};
  const Json& value = *claims.find("aud");
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
    return {};
  }
  if (!value.is_array() || value.size() > audiences_max) return bad_claim("aud");
  for (const Json& member : value) {
    if (!member.is_string()) return bad_claim("aud");
    out.push_back(member.get<std::string>());
  }
  return {};
}

Result<void> read_confirmations(const Json& claims, std::vector<Confirmation>& out) {
  if (!has_member(claims, "cnf")) return {};
  const Json& value = *claims.find("cnf");
  // An empty or odd cnf would read as "not bound": the token was meant to be.
  if (!value.is_object() || value.empty() || value.size() > confirmations_max) {
    return bad_claim("cnf");
  }
  for (const auto& member : value.items()) {
    const bool is_text = member.value().is_string();
    out.push_back({member.key(),
                   is_text ? member.value().get<std::string>() : to_text(member.value()), is_text});
  }
  return {};
}

constexpr std::array<std::string_view, 10> known_claims = {
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "cnf"};

struct ReadClaims {
  TokenClaims claims;
  std::optional<WallTime> issued_at;
};

Result<ReadClaims> read_claims(const Json& object) {
  ReadClaims out;
  TokenClaims& claims = out.claims;
  std::optional<WallTime> expires_at;
  CS_CHECK(read_text(object, "iss", claims.issuer));
  CS_CHECK(read_text(object, "sub", claims.subject));
  CS_CHECK(read_text(object, "jti", claims.jwt_id));
  CS_CHECK(read_text(object, "client_id", claims.client_id));
  CS_CHECK(read_text(object, "scope", claims.scope));
  CS_CHECK(read_audiences(object, claims.audiences));
  CS_CHECK(read_time(object, "exp", expires_at));
  CS_CHECK(read_time(object, "iat", out.issued_at));
  CS_CHECK(read_time(object, "nbf", claims.not_before));
  CS_CHECK(read_confirmations(object, claims.confirmations));
  if (!expires_at) return refuse("jose.claim_missing", "the token has no exp", "exp");
  claims.expires_at = *expires_at;
  if (out.issued_at) claims.issued_at = *out.issued_at;
  for (const auto& member : object.items()) {
    if (member.value().is_string() &&
        std::ranges::find(known_claims, member.key()) == known_claims.end()) {
      claims.extra.emplace_back(member.key(), member.value().get<std::string>());
    }
  }
  return out;
}

Result<void> check_presence(const Json& object, const JwtRules& rules) {
  const auto check = [&](std::string_view name) -> Result<void> {
    // A claim that is there but says nothing is as good as absent.
    const bool empty = has_member(object, name) && string_member(object, name) == "";
    if (has_member(object, name) && !empty) return {};
    return refuse("jose.claim_missing", "the token lacks a claim that it must have", name);
  };
  for (const std::string_view name : {"iss", "aud", "exp"}) CS_CHECK(check(name));
  for (const std::string& name : rules.required_claims) CS_CHECK(check(name));
  return {};
}

Result<void> check_parties(const TokenClaims& claims, const JwtRules& rules) {
  if (claims.issuer != rules.issuer) {
    return refuse("jose.issuer_mismatch", "the token is from another issuer");
  }
  if (std::ranges::find(claims.audiences, rules.audience) == claims.audiences.end()) {
    return refuse("jose.audience_mismatch", "the token is for another audience");
  }
  return {};
}

Result<void> check_times(const ReadClaims& read, const JwtRules& rules, WallTime now) {
  const TokenClaims& claims = read.claims;
  // RFC 7519 §4.1.4: on or after exp a token must not be accepted. No leeway here.
  if (now >= claims.expires_at) return refuse("jose.expired", "the token has expired");
  const WallTime latest = now + rules.clock_skew;
  if (read.issued_at && *read.issued_at > latest) {
    return refuse("jose.not_yet_valid", "the token is issued in the future");
  }
  if (claims.not_before && *claims.not_before > latest) {
    return refuse("jose.not_yet_valid", "the token is not valid yet");
  }
  if (rules.lifetime_max) {
    if (!read.issued_at) return refuse("jose.claim_missing", "the token has no iat", "iat");
    if (claims.expires_at - *read.issued_at > *rules.lifetime_max) {
      return refuse("jose.lifetime_too_long", "the token lives longer than is accepted");
    }
  }
  return {};
}

}  // namespace

const std::string* VerifiedToken::string_claim(std::string_view name) const {
  for (const auto& [key, value] : claims_.extra) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<VerifiedToken> TokenVerification::verify(const VerifiedJws& jws, const JwtRules& rules,
                                                WallTime now) {
  VerifiedToken token;
  token.kid_ = jws.header().kid;
  token.typ_ = normal_typ(jws.header().typ);
  // RFC 8725 §3.11: one kind of token must not pass for another that the same key signs.
  if (token.typ_ != normal_typ(rules.typ)) {
    return refuse("jose.typ_mismatch", "the token is not of the expected type");
  }
  const auto object = parse_json(as_text(jws.payload()),
                                 {.bytes_max = rules.bytes_max, .depth_max = claims_depth_max});
  if (!object || !object->is_object()) {
    return refuse("jose.bad_claims", "the token's claims are not a sound JSON object",
                  object ? "" : object.error().code);
  }
  CS_CHECK(check_presence(*object, rules));
  CS_TRY(ReadClaims read, read_claims(*object));
  CS_CHECK(check_parties(read.claims, rules));
  CS_CHECK(check_times(read, rules, now));
  token.claims_ = std::move(read.claims);
  token.issued_at_ = read.issued_at;
  return token;
}

Result<VerifiedToken> verify_token(std::string_view compact, const JwkSet& keys,
                                   const JwtRules& rules, WallTime now) {
  CS_CHECK(check_rules(rules));
  CS_TRY(const VerifiedJws jws,
         verify_jws(compact, keys, {.algorithms = rules.algorithms, .bytes_max = rules.bytes_max}));
  return TokenVerification::verify(jws, rules, now);
}

}  // namespace countersign::jose
