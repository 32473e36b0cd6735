// Why a request was refused: the stable reason codes, one table row each, and Denial, which carries
// one.
//
// The codes are an interface: consumers branch on them, operators search their logs for them. A
// code is never renamed and never given another meaning. Nothing outside reason.cc switches on a
// Reason: what depends on it is a column.
//
// RFC 6750 §3.1 (errors of a Bearer challenge), RFC 9110 §15 (status codes), RFC 9457 (problem
// documents).

#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::protocol {

enum class Reason : uint8_t {
  // Who calls: no or no valid credential.
  credential_missing,
  credential_malformed,
  credential_unknown,
  key_revoked,
  key_expired,
  client_disabled,
  scheme_not_accepted,
  multiple_credentials,
  // Tokens.
  token_malformed,
  token_signature_invalid,
  token_key_unknown,
  token_expired,
  token_not_yet_valid,
  token_wrong_audience,
  token_wrong_issuer,
  token_revoked,
  // What the credential is bound to.
  certificate_missing,
  certificate_mismatch,
  certificate_not_registered,
  certificate_expired,
  certificate_revoked,
  network_not_allowed,
  binding_unknown,
  // What is asked for.
  scope_insufficient,
  route_unknown,
  method_not_allowed,
  path_not_canonical,
  request_malformed,
  body_too_large,
  rate_limited,
  // Token requests.
  authentication_method_not_allowed,
  grant_type_unsupported,
  scope_not_allowed,
  target_not_allowed,
  media_type_unsupported,
  // The gateway or the issuer cannot decide or cannot forward.
  record_stale,
  audit_unavailable,
  store_unavailable,
  overloaded,
  shutting_down,
  upstream_unavailable,
  upstream_timeout,
  upstream_bad_response,
  internal_error,
  // The egress cannot send the call, or does not know what became of it.
  caller_not_allowed,
  call_not_allowed,
  token_unavailable,
  credential_unavailable,
  outcome_unknown,
  // The egress answers for keys, or keeps a journal.
  idempotency_key_invalid,
  idempotency_key_reused,
  call_in_flight,
  call_may_be_doubled,
  journal_unavailable,
};

// The `error` of a Bearer challenge. Other schemes' challenges carry none.
enum class BearerError : uint8_t { none, invalid_request, invalid_token, insufficient_scope };

// Whether the payment API can have seen the request.
enum class Forwarded : uint8_t { no, maybe };

struct ReasonRow {
  Reason reason;
  std::string_view code;  // "token_expired"
  int status;             // of the HTTP answer
  BearerError bearer_error;
  Forwarded forwarded;      // no: repeating the request cannot do anything twice
  std::string_view title;   // one short sentence for the other side
  std::string_view advice;  // what the caller can do about it
};

const ReasonRow& row_of(Reason reason);
inline std::string_view code_of(Reason reason) {
  return row_of(reason).code;
}
inline int status_of(Reason reason) {
  return row_of(reason).status;
}
std::span<const ReasonRow> all_reasons();

// For the side that receives a code; nullopt if it is none of ours (or newer than this program).
std::optional<Reason> parse_reason(std::string_view code);

// "" for none.
std::string_view name_of(BearerError error);

// A refusal on its way: the reason goes to the caller, the detail only to the log and the audit.
// The detail holds no secret.
struct Denial {
  Reason reason = Reason::internal_error;
  std::string private_detail;
};

// What each stage of a decision returns: what the next stage needs, or the refusal.
template <typename T = void>
using Verdict = std::expected<T, Denial>;

inline std::unexpected<Denial> deny(Reason reason, std::string_view private_detail = {}) {
  return std::unexpected(Denial{reason, std::string(private_detail)});
}

}  // namespace countersign::protocol
