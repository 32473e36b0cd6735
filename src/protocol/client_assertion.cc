#include "protocol/client_assertion.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/json.h"
#include "jose/jws.h"

namespace countersign::protocol {

class ClientAssertionVerification {
 public:
  static Result<VerifiedClientAssertion> verify(const jose::VerifiedJws& jws,
                                                const ClientAssertionRules& rules, WallTime now);
};

namespace {

constexpr size_t jwt_id_bytes = 16;  // 128 bits: two never meet
constexpr size_t text_bytes_max = 256;
constexpr int claims_depth_max = 8;
constexpr std::chrono::seconds clock_skew_max{60};
// The end of year 9999: later is no date but a way to overflow somebody's arithmetic.
constexpr int64_t time_max = 253'402'300'799;

std::unexpected<Error> refuse(std::string_view code, std::string_view text,
                              std::string_view detail = {}) {
  return fail(ErrorKind::unauthenticated, code, text, detail);
}
std::unexpected<Error> bad_claim(std::string_view name) {
  return refuse("assertion.bad_claims", "A claim of the client assertion is malformed.", name);
}
std::unexpected<Error> missing(std::string_view name) {
  return refuse("assertion.claim_missing", "The client assertion lacks a claim.", name);
}

JsonLimits claims_limits() {
  return {.bytes_max = client_assertion_bytes_max, .depth_max = claims_depth_max};
}

Result<void> check_rules(const ClientAssertionRules& rules) {
  const bool complete = !rules.client_id.empty() && !rules.issuer.empty() &&
                        !rules.algorithms.empty() && rules.clock_skew >= rules.clock_skew.zero() &&
                        rules.clock_skew <= clock_skew_max && rules.lifetime_max.count() > 0;
  if (complete) return {};
  return fail(ErrorKind::misconfigured, "assertion.rules_incomplete",
              "This server is not configured to accept client assertions.");
}

// RFC 8725 §3.11: a token of another kind that the client's key signed is no assertion. "JWT" and
// none say nothing (RFC 7519 §5.1) and are what clients sent before the type had a name.
Result<void> check_typ(std::string_view typ, const ClientAssertionRules& rules) {
  constexpr std::string_view prefix = "application/";
  std::string lower = ascii::lower(typ);
  if (lower.starts_with(prefix)) lower.erase(0, prefix.size());
  const bool says_nothing = lower.empty() || lower == "jwt";
  if (lower == client_assertion_typ || (says_nothing && !rules.typ_required)) return {};
  return refuse("assertion.wrong_typ", "The token is not a client assertion.");
}

// A text that may be compared, logged and stored as it is.
Result<std::string> read_text(const Json& claims, std::string_view name) {
  if (!has_member(claims, name)) return missing(name);
  auto text = string_member(claims, name);
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (!text || text->size() > text_bytes_max || !std::ranges::all_of(*text, printable)) {
    return bad_claim(name);
  }
  if (text->empty()) return missing(name);
  return *std::move(text);
}

// RFC 7519 §2 NumericDate: seconds, fractions allowed. Rounded down: for exp the strict side.
Result<std::optional<WallTime>> read_time(const Json& claims, std::string_view name) {
  if (!has_member(claims, name)) return std::nullopt;
  const Json& value = *claims.find(name);
  if (!value.is_number()) return bad_claim(name);
  const double seconds = std::floor(value.get<double>());
  if (!(seconds >= 0 && seconds <= static_cast<double>(time_max))) return bad_claim(name);
  return from_unix_seconds(static_cast<int64_t>(seconds));
}

// The issuer alone, as a string or as the one member of an array (RFC 7519 §4.1.3 lets a writer
// choose).
Result<void> check_audience(const Json& claims, const std::string& issuer) {
  if (!has_member(claims, "aud")) return missing("aud");
  const Json& value = *claims.find("aud");
  if (value.is_array() && value.empty()) return missing("aud");
  const Json& first = value.is_array() ? value.front() : value;
  if (!first.is_string()) return bad_claim("aud");
  const bool alone = !value.is_array() || value.size() == 1;
  if (alone && first.get_ref<const std::string&>() == issuer) return {};
  return refuse("assertion.wrong_audience",
                "The client assertion is for another audience than this issuer alone.");
}

// The time of exp, if all times hold.
Result<WallTime> check_times(const Json& claims, const ClientAssertionRules& rules, WallTime now) {
  CS_TRY(const auto expires_at, read_time(claims, "exp"));
  CS_TRY(const auto issued_at, read_time(claims, "iat"));
  CS_TRY(const auto not_before, read_time(claims, "nbf"));
  if (!expires_at) return missing("exp");
  // RFC 7523 §3: expired at exp itself. No leeway here.
  if (now >= *expires_at) return refuse("assertion.expired", "The client assertion has expired.");
  const WallTime latest = now + rules.clock_skew;
  if ((issued_at && *issued_at > latest) || (not_before && *not_before > latest)) {
    return refuse("assertion.not_yet_valid", "The client assertion is not valid yet.");
  }
  // Counted from now, not from iat: iat is optional, and says what its writer likes.
  if (*expires_at > latest + rules.lifetime_max) {
    return refuse("assertion.lifetime_too_long",
                  "The client assertion lives longer than is accepted.");
  }
  return *expires_at;
}

}  // namespace

ClientAssertionWriter::ClientAssertionWriter(crypto::PrivateKey key, std::string_view kid)
    : public_key_(key.public_key()),
      writer_(std::move(key), kid.empty() ? jose::thumbprint(public_key_) : std::string(kid),
              client_assertion_typ) {}

Result<Secret> ClientAssertionWriter::write(std::string_view client_id, std::string_view issuer,
                                            WallTime now, Entropy& entropy) const {
  jose::TokenClaims claims;
  claims.issuer = client_id;
  claims.subject = client_id;
  claims.audiences = {std::string(issuer)};
  claims.jwt_id = encode_base64url(entropy.bytes(jwt_id_bytes));
  claims.issued_at = now;
  claims.expires_at = now + client_assertion_lifetime;
  CS_TRY(std::string assertion, writer_.sign(claims));
  return Secret::take(std::move(assertion));
}

Result<VerifiedClientAssertion> ClientAssertionVerification::verify(
    const jose::VerifiedJws& jws, const ClientAssertionRules& rules, WallTime now) {
  CS_CHECK(check_typ(jws.header().typ, rules));
  const auto claims = parse_json(as_text(jws.payload()), claims_limits());
  if (!claims || !claims->is_object()) {
    return refuse("assertion.bad_claims", "The client assertion's claims are not a JSON object.",
                  claims ? "" : claims.error().code);
  }
  CS_TRY(const std::string issuer, read_text(*claims, "iss"));
  CS_TRY(const std::string subject, read_text(*claims, "sub"));
  // RFC 7523 §3: both are the client.
  if (issuer != rules.client_id || subject != rules.client_id) {
    return refuse("assertion.wrong_client", "The client assertion is another client's.");
  }
  CS_CHECK(check_audience(*claims, rules.issuer));
  VerifiedClientAssertion verified;
  CS_TRY(verified.expires_at_, check_times(*claims, rules, now));
  CS_TRY(verified.jwt_id_, read_text(*claims, "jti"));
  verified.client_id_ = subject;
  return verified;
}

Result<VerifiedClientAssertion> verify_client_assertion(std::string_view assertion,
                                                        const jose::JwkSet& keys,
                                                        const ClientAssertionRules& rules,
                                                        WallTime now) {
  CS_CHECK(check_rules(rules));
  CS_TRY(const jose::VerifiedJws jws, jose::verify_jws(assertion, keys,
                                                       {.algorithms = rules.algorithms,
                                                        .bytes_max = client_assertion_bytes_max}));
  return ClientAssertionVerification::verify(jws, rules, now);
}

Result<std::string> parse_asserted_client_id(std::string_view assertion) {
  const auto malformed = [] {
    return refuse("assertion.malformed", "The client assertion cannot be read.");
  };
  const size_t first = assertion.find('.');
  if (assertion.size() > client_assertion_bytes_max || first == std::string_view::npos) {
    return malformed();
  }
  const size_t second = assertion.find('.', first + 1);
  if (second == std::string_view::npos) return malformed();
  const auto payload = decode_base64url(assertion.substr(first + 1, second - first - 1));
  if (!payload) return malformed();
  const auto claims = parse_json(as_text(*payload), claims_limits());
  if (!claims || !claims->is_object()) return malformed();
  auto subject = read_text(*claims, "sub");
  if (!subject) return malformed();
  return *std::move(subject);
}

}  // namespace countersign::protocol
