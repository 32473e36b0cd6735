#include "provider/schemes/access_token.h"

#include <array>
#include <utility>

#include "protocol/token_id.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

// What a consumer can act upon; the exact code goes to the log. Everything else is a malformed
// token.
constexpr std::array<std::pair<std::string_view, Reason>, 8> reasons_of_codes{{
    {"jose.bad_signature", Reason::token_signature_invalid},
    {"jose.alg_not_allowed", Reason::token_signature_invalid},
    {"jose.key_unknown", Reason::token_key_unknown},
    {"jose.issuer_mismatch", Reason::token_wrong_issuer},
    {"jose.audience_mismatch", Reason::token_wrong_audience},
    {"jose.expired", Reason::token_expired},
    {"jose.not_yet_valid", Reason::token_not_yet_valid},
    {"jose.rules_incomplete", Reason::internal_error},
}};

Reason reason_of(const Error& error) {
  for (const auto& [code, reason] : reasons_of_codes) {
    if (error.code == code) return reason;
  }
  return Reason::token_malformed;
}

// A cut-off must tell the token taken just before a revocation from the one taken just after it;
// iat counts whole seconds. The jti is only believed where it agrees with iat: another issuer's may
// look like one of ours by chance.
WallTime issue_time(const jose::VerifiedToken& token) {
  const WallTime issued_at = token.issued_at().value_or(WallTime());
  const auto id = protocol::TokenId::parse(token.jwt_id());
  const bool agrees = id && to_unix_seconds(id->issued_at) == to_unix_seconds(issued_at);
  return agrees ? id->issued_at : issued_at;
}

}  // namespace

Verdict<AccessToken> verify_access_token(std::string_view text, const TokenTrust& trust,
                                         WallTime now) {
  auto token = jose::verify_token(text, trust.keys, trust.rules, now);
  if (!token) return protocol::deny(reason_of(token.error()), token.error().for_log());
  auto confirmation = protocol::read_confirmation(token->confirmations());
  if (!confirmation) return std::unexpected(std::move(confirmation).error());
  auto scopes = protocol::ScopeSet::parse(token->scope());
  if (!scopes) return protocol::deny(Reason::token_malformed, scopes.error().for_log());
  const WallTime issued_at = issue_time(*token);
  return AccessToken{*std::move(token), *std::move(confirmation), *std::move(scopes), issued_at};
}

}  // namespace countersign::provider
