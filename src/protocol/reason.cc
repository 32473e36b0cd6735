#include "protocol/reason.h"

#include <algorithm>
#include <array>

namespace countersign::protocol {
namespace {

using enum Reason;
constexpr auto none = BearerError::none;
constexpr auto bad_request = BearerError::invalid_request;
constexpr auto bad_token = BearerError::invalid_token;
constexpr auto no = Forwarded::no;
constexpr auto maybe = Forwarded::maybe;

// RFC 6750 §3.1: a request without authentication information gets no error code; a bad token is
// 401 with invalid_token, a lack of scope 403 with insufficient_scope, a malformed request 400 with
// invalid_request.
constexpr auto rows = std::to_array<ReasonRow>({
    {credential_missing, "credential_missing", 401, none, no, "The request carries no credential.",
     "Send the credential in the Authorization field, with one of the schemes in the challenge."},
    {credential_malformed, "credential_malformed", 401, none, no,
     "The credential is not well-formed.",
     "Check that it was copied whole and without spaces or line ends."},
    {credential_unknown, "credential_unknown", 401, none, no, "The credential is not valid here.",
     "Check that the credential is the one issued for this environment; ask the provider for a new "
     "one if it is."},
    {key_revoked, "key_revoked", 401, none, no, "The key was revoked.",
     "Use the newer key, or ask the provider to issue one."},
    {key_expired, "key_expired", 401, none, no, "The key has expired, or is not valid yet.",
     "Use the newer key, or ask the provider to issue one."},
    {client_disabled, "client_disabled", 403, none, no, "The client is disabled.",
     "Ask the provider why; no other credential of this client will work."},
    {scheme_not_accepted, "scheme_not_accepted", 401, none, no,
     "The authentication scheme is not accepted here.", "Use one of the schemes in the challenge."},
    {multiple_credentials, "multiple_credentials", 400, bad_request, no,
     "The request carries more than one credential.", "Send exactly one."},

    {token_malformed, "token_malformed", 401, bad_token, no, "The token is not well-formed.",
     "Request a new token; send it exactly as the issuer wrote it."},
    {token_signature_invalid, "token_signature_invalid", 401, bad_token, no,
     "The token's signature does not hold.",
     "Request a new token from this provider's own issuer."},
    {token_key_unknown, "token_key_unknown", 401, bad_token, no,
     "The token is signed with a key that is not in use.", "Request a new token."},
    {token_expired, "token_expired", 401, bad_token, no, "The token has expired.",
     "Request a new token; if a new one is refused as well, compare the clocks."},
    {token_not_yet_valid, "token_not_yet_valid", 401, bad_token, no, "The token is not valid yet.",
     "Compare the clocks of both sides."},
    {token_wrong_audience, "token_wrong_audience", 401, bad_token, no,
     "The token was issued for another API.",
     "Request a token for this API, with the `resource` parameter if the issuer serves several."},
    {token_wrong_issuer, "token_wrong_issuer", 401, bad_token, no,
     "The token comes from an issuer that is not trusted here.",
     "Request the token from the issuer that this provider names."},
    {token_revoked, "token_revoked", 401, bad_token, no, "The token was revoked.",
     "Request a new token; if that is refused, ask the provider."},

    {certificate_missing, "certificate_missing", 401, bad_token, no,
     "The credential is bound to a client certificate, and the connection presents none.",
     "Connect with the client certificate that the credential is bound to."},
    {certificate_mismatch, "certificate_mismatch", 401, bad_token, no,
     "The credential is bound to another client certificate.",
     "Connect with the certificate that the credential is bound to, or request a token with this "
     "one."},
    {certificate_not_registered, "certificate_not_registered", 401, none, no,
     "The client certificate is not registered for this client.",
     "Ask the provider to register the certificate."},
    {certificate_expired, "certificate_expired", 401, bad_token, no,
     "The client certificate has expired.", "Connect anew with a valid certificate."},
    {certificate_revoked, "certificate_revoked", 401, bad_token, no,
     "The client certificate was revoked.", "Connect with a new certificate; ask the provider."},
    {network_not_allowed, "network_not_allowed", 403, none, no,
     "The client may not call from this network.",
     "Call from a registered network, or ask the provider to register this one."},
    {binding_unknown, "binding_unknown", 401, bad_token, no,
     "The token has a binding that cannot be checked here.",
     "Request a token with a binding that this provider supports."},

    {scope_insufficient, "scope_insufficient", 403, BearerError::insufficient_scope, no,
     "The credential's scopes do not allow this request.",
     "Request a token with the scope named in the challenge, or ask the provider to grant it."},
    {route_unknown, "route_unknown", 404, none, no, "There is no such resource.",
     "Compare the path with the API's description."},
    {method_not_allowed, "method_not_allowed", 405, none, no,
     "The resource does not have this method.", "Use one of the methods in the Allow field."},
    {path_not_canonical, "path_not_canonical", 400, none, no,
     "The path is not written in its canonical form.",
     "Send it without dot segments, empty segments, parameters and needless percent-encoding."},
    {request_malformed, "request_malformed", 400, bad_request, no, "The request is malformed.",
     "Correct the request; it will never be accepted as it is."},
    {body_too_large, "body_too_large", 413, none, no, "The request's body is too large.",
     "Send a smaller body."},
    {rate_limited, "rate_limited", 429, none, no, "There are too many requests.",
     "Wait as long as the Retry-After field says."},

    {authentication_method_not_allowed, "authentication_method_not_allowed", 401, none, no,
     "The client is not registered for this way to authenticate.",
     "Use the method that the client is registered with."},
    {grant_type_unsupported, "grant_type_unsupported", 400, none, no,
     "The grant type is not supported.", "Use grant_type=client_credentials."},
    {scope_not_allowed, "scope_not_allowed", 400, none, no,
     "The client may not be granted a scope that it asked for.",
     "Ask for registered scopes only, or ask the provider to register this one."},
    {target_not_allowed, "target_not_allowed", 400, none, no,
     "The requested resource is not one that this issuer grants tokens for.",
     "Leave `resource` out, or name the provider's API."},
    {media_type_unsupported, "media_type_unsupported", 415, none, no,
     "The body is of a media type that is not accepted here.",
     "Send application/x-www-form-urlencoded."},

    {record_stale, "record_stale", 503, none, no,
     "The record of revocations is not current enough to decide.", "Repeat the request later."},
    {audit_unavailable, "audit_unavailable", 503, none, no,
     "The decision cannot be recorded, so nothing is allowed.", "Repeat the request later."},
    {store_unavailable, "store_unavailable", 503, none, no, "The record cannot be read.",
     "Repeat the request later."},
    {overloaded, "overloaded", 503, none, no, "There is too much work at present.",
     "Repeat the request after a pause."},
    {shutting_down, "shutting_down", 503, none, no, "This node is shutting down.",
     "Repeat the request on a new connection."},
    {upstream_unavailable, "upstream_unavailable", 502, none, no,
     "The API behind this proxy cannot be reached; the request was not sent to it.",
     "Repeat the request later."},
    {upstream_timeout, "upstream_timeout", 504, none, maybe,
     "The API behind this proxy did not answer in time; it may have processed the request.",
     "Ask for the result before repeating a request that is not idempotent."},
    {upstream_bad_response, "upstream_bad_response", 502, none, maybe,
     "The API behind this proxy broke off or answered nonsense; it may have processed the request.",
     "Ask for the result before repeating a request that is not idempotent."},
    {internal_error, "internal_error", 500, none, maybe, "Something is wrong on this side.",
     "Tell the operator the decision id."},

    {caller_not_allowed, "caller_not_allowed", 403, none, no,
     "The process that called may not use this egress.",
     "Run the backend as a user that the egress's configuration lists."},
    {call_not_allowed, "call_not_allowed", 403, none, no,
     "The process that called may use this egress, but not for this call.",
     "Call only the APIs, methods and paths that the egress's configuration lists for this user."},
    {token_unavailable, "token_unavailable", 503, none, no,
     "There is no valid token, and none can be had from the issuer at present.",
     "Repeat the request later; the egress's log says what the issuer answered."},
    {credential_unavailable, "credential_unavailable", 503, none, no,
     "The egress has no usable credential for this upstream.",
     "Check the egress's configuration; its log says what is missing."},
    {outcome_unknown, "outcome_unknown", 502, none, maybe,
     "The request was sent, but no answer came: it may have been processed.",
     "Ask for the result, or repeat with the same Idempotency-Key."},

    {idempotency_key_invalid, "idempotency_key_invalid", 400, none, no,
     "The Idempotency-Key is not one that can protect the call.",
     "Send exactly one, of 1 to 255 printable ASCII characters, or none."},
    {idempotency_key_reused, "idempotency_key_reused", 422, none, no,
     "The Idempotency-Key stands for another request.",
     "Use a new key for a new request; repeat a request byte for byte."},
    {call_in_flight, "call_in_flight", 409, none, no,
     "A call with the same Idempotency-Key is under way.",
     "Wait as long as the Retry-After field says, then repeat with the same key."},
    {call_may_be_doubled, "call_may_be_doubled", 409, none, no,
     "A call with this Idempotency-Key may have been processed, and the API would act on it again.",
     "Look the result up; use another key only if nothing was done."},
    {journal_unavailable, "journal_unavailable", 503, none, no,
     "The call cannot be journalled, so it was not sent.", "Repeat the request later."},
});

constexpr bool rows_are_in_order() {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<size_t>(rows[i].reason) != i) return false;
  }
  return rows.size() == static_cast<size_t>(journal_unavailable) + 1;
}
static_assert(rows_are_in_order(), "one row each, in the order of the enumeration");

constexpr auto bearer_errors =
    std::to_array<std::string_view>({"", "invalid_request", "invalid_token", "insufficient_scope"});

}  // namespace

const ReasonRow& row_of(Reason reason) {
  return rows[static_cast<size_t>(reason)];
}

std::span<const ReasonRow> all_reasons() {
  return rows;
}

std::optional<Reason> parse_reason(std::string_view code) {
  const auto found = std::ranges::find(rows, code, &ReasonRow::code);
  if (found == rows.end()) return std::nullopt;
  return found->reason;
}

std::string_view name_of(BearerError error) {
  return bearer_errors[static_cast<size_t>(error)];
}

}  // namespace countersign::protocol
