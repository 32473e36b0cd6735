// Request and Outcome: what is asked of a payment API, and what is known about it afterwards.
//
// RFC 9110 §9.2 (safe methods), §10.2.3 (Retry-After), §15 (status codes).

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <countersign/export.h>

namespace countersign::client {
inline namespace v0 {

struct Field {
  std::string name;
  std::string value;
};

struct Request {
  std::string method = "GET";  // any but CONNECT and TRACE; case counts
  // Path and query, percent-encoded: "/v1/payments?limit=10". No "." or ".." segments.
  std::string target = {};
  // Content-Type and the like. Refused (`client.bad_request`) are fields that are the library's to
  // write: Host, framing and connection fields, Authorization and other credentials, proofs,
  // statements about who is calling, Idempotency-Key, Countersign-….
  std::vector<Field> fields = {};
  std::string body = {};  // sent as it is; at most 64 MiB
  // By which the provider recognises a repeat: 1 to 255 printable ASCII characters without a blank
  // at either end. Empty: see ClientOptions::add_idempotency_key. To try a payment again whose
  // outcome is `unknown`, send the same request with the same key.
  std::string idempotency_key = {};
};

enum class OutcomeKind {
  // Nothing of it was processed: no byte reached the provider, or the provider's gateway says that
  // it refused before acting. Safe to send again.
  not_sent,
  // The provider's answer came, whatever its status: 402 is an answer.
  answered,
  // It may have been processed: sent, and no answer, or one that does not settle it (502, 504, or
  // any answer to a repeat that is about the repeat only). Look the payment up, or send the same
  // request with the same idempotency key if the provider honours it. `status` may be set.
  unknown,
};
// "not_sent", "answered", "unknown": as the egress's Countersign-Outcome field says it.
COUNTERSIGN_API std::string_view name_of(OutcomeKind kind) noexcept;

enum class BodyState {
  complete,  // all of it; also if there is no answer
  too_long,  // longer than the limit: `body` is its beginning
  cut_off,   // the connection was lost or the deadline passed: `body` is its beginning
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::not_sent;
  int status = 0;                  // 100 to 599, of the answer; 0: there was none
  std::vector<Field> fields = {};  // of the answer, in order, names as sent; hop-by-hop left out
  std::string body = {};
  BodyState body_state = BodyState::complete;
  int attempts = 0;  // how often it was sent, or begun to be

  // A stable code to branch on; empty if the provider answered and gave none. From the provider's
  // gateway (its Countersign-Reason): docs/reference/reasons.md, such as `scope_insufficient`. From
  // this side: `token_unavailable`, `credential_unavailable`, `upstream_unavailable`,
  // `outcome_unknown`, `request_malformed`, `cancelled`.
  std::string reason = {};
  // What was behind it on this side, finer and as stable: `net.connect_failed`,
  // `http.upstream_timeout`, `client.cancelled`, `client.stopped`, `client.forked`,
  // `client.bad_request`, `client.called_on_own_thread`, ….
  std::string code = {};
  std::string detail = {};  // for logs: no secret, and nothing to parse

  // When another attempt makes sense: the provider's Retry-After, or when the token is asked for
  // again. Rounded up.
  std::optional<std::chrono::seconds> retry_after = {};
  std::string idempotency_key = {};  // sent with it, given or made; empty: none
  std::string decision_id = {};      // of the provider's gateway, to ask its operator about

  // The first field of this name, in any case of letters; empty if there is none. Lives as long as
  // this Outcome.
  COUNTERSIGN_API std::string_view value(std::string_view name) const noexcept;
  // Answered, with a 2xx status and the whole body.
  bool ok() const noexcept {
    return kind == OutcomeKind::answered && status >= 200 && status <= 299 &&
           body_state == BodyState::complete;
  }
};

}  // namespace v0
}  // namespace countersign::client
