// Refusal: what the one who called is told when a request is refused, as a problem document (RFC
// 9457) carries it. Gateway, issuer and egress write it (http/problem.h makes the document from
// members()); the consumer side reads it and passes the other company's reason on.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "protocol/reason.h"

namespace countersign::protocol {

struct Refusal {
  std::string reason;  // a reason code: a stable name, see reason.h
  int status = 0;
  std::string title;
  std::string advice;       // what the caller can do; empty if absent
  std::string decision_id;  // empty if absent
  std::string source;       // who refused: "gateway", "issuer" or "egress"

  // "urn:countersign:reason:token_expired": the document's `type`.
  std::string type() const;
  // The extension members, those that are not empty: reason, advice, decision_id, source.
  std::vector<std::pair<std::string, std::string>> members() const;
};

Refusal refusal_of(Reason reason, std::string_view decision_id, std::string_view source);

// From another party's problem document. It is untrusted: each text is bounded, its control
// characters are replaced, and a member of another type counts as absent, so that the result can be
// logged and passed on. `refusal.malformed` if it is not a JSON object with a `reason` of the form
// of a code; the reason may be one that this program does not know.
Result<Refusal> parse_refusal(std::string_view body);

}  // namespace countersign::protocol
