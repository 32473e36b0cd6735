// FieldFilter: which header fields pass through the egress. Hop-by-hop and framing fields are
// http/relay.h's matter and never get here.
//
// Names are compared without case and with every character that is not alphanumeric taken for '-',
// because many servers hand all of them to an application as one variable.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::consumer {

// Request fields that never pass:
//   Authorization, X-Api-Key, DPoP…, Signature…, every configured credential field
//       credentials and proofs are added here, or nowhere
//   Cookie…
//       would authenticate beside the scheme
//   Client-Cert…, X-Client-Cert/DN/Verif/SAN/Subject…, SSL-…, X-SSL-…, X-TLS-…, X-Amzn-Mtls-…,
//   X-ARR-ClientCert
//       claims about a certificate (RFC 9440)
//   Forwarded…, X-Forward…, X-Real-IP, Client-IP, X-Client-IP, True-Client-IP, CF-Connecting-IP,
//   X-Cluster-Client-IP, Remote-…, X-Remote-…, X-Auth…
//       claims about who is calling
//   X-HTTP-Method…, X-Method-Override, X-Original-…, X-Rewrite-URL, X-Host
//       would make some servers act on another call than the one that was allowed
//   traceparent, tracestate
//       written anew (protocol/trace_context.h)
//   Baggage
//       says to another company what was meant for one's own
//   Countersign-…
//       this program's own
//   Proxy, Proxy-…, Alt-Used, Early-Data, Host, Origin
//       about a connection that is not the outgoing one
//   names that do not begin with a letter
// Content-Digest passes: it is about the body, which passes as it is.
class FieldFilter final {
 public:
  // The names of the configured schemes' fields.
  explicit FieldFilter(std::vector<std::string> credential_fields = {});

  bool request_passes(std::string_view name) const;

 private:
  std::vector<std::string> credential_fields_;  // those not in the table anyway
};

// Response fields that never pass:
//   Alt-Svc, Strict-Transport-Security, Public-Key-Pins…, Expect-CT, Clear-Site-Data
//       about the upstream's address; the caller would apply them to the egress's
//   NEL, Report-To, Reporting-Endpoints
//       would make a client report its calls to somebody
//   Set-Cookie…
//       see Cookie
//   Countersign-Outcome, Countersign-Attempts, Countersign-Idempotency-Key
//       only the egress says these; the gateway's other fields pass
// WWW-Authenticate passes as it is: it belongs to the provider's 401, and says why (RFC 9110
// §11.6.1).
bool response_field_passes(std::string_view name);

}  // namespace countersign::consumer
