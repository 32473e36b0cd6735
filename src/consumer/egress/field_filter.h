// FieldFilter: which header fields pass through the egress. Hop-by-hop and framing fields are
// http/relay.h's matter and never get here.
//
// Names are compared without case and with '_' taken for '-', because many servers hand both to an
// application as the same variable.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::consumer {

// Request fields that never pass:
//   Authorization, DPoP…, Signature…               credentials and proofs are added here, or
//   nowhere X-Api-Key, every configured credential field   the same Cookie… would authenticate
//   beside the scheme Client-Cert…, X-Client-Cert…, X-SSL-…, SSL-Client-…   claims about a
//   certificate (RFC 9440) Forwarded, X-Forwarded…, X-Real-IP             claims about who is
//   calling X-Original-…, X-Rewrite-URL                    would make some servers act on another
//   path than was authorised Countersign-…                                  this program's own
//   Proxy, Proxy-…                                 for a proxy, not for the API
//   Alt-Used, Early-Data, Host, Origin             about a connection that is not the outgoing one
class FieldFilter final {
 public:
  // The names of the configured schemes' fields.
  explicit FieldFilter(std::vector<std::string> credential_fields = {});

  bool request_passes(std::string_view name) const;

 private:
  std::vector<std::string> credential_fields_;  // those not in the table anyway
};

// Response fields that never pass:
//   Alt-Svc, Strict-Transport-Security, Public-Key-Pins…, Clear-Site-Data   about the upstream's
//   address; the caller would
//                                                   apply them to the egress's
//   Set-Cookie…                                     see Cookie
//   Countersign-Outcome, -Attempts, -Idempotency-Key   only the egress says these; the gateway's
//   other fields pass
bool response_field_passes(std::string_view name);

}  // namespace countersign::consumer
