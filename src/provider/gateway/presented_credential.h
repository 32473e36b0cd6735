// Which credential a request carries. Exactly one: a request with two is refused before either is
// looked at, because two readers could take different ones. Never from the query, which ends up in
// logs (RFC 6750 §5.3).

#pragma once

#include <string_view>

#include "http/message.h"
#include "protocol/reason.h"

namespace countersign::provider {

// Views: `credential` into the request's head, `authorization` into the scheme registry.
struct PresentedCredential {
  std::string_view authorization;  // as the registry writes it: "Bearer"
  std::string_view credential;     // the token or key alone: secret, never logged
};

// `api_key_field` as in GatewayOptions. Denied with credential_missing, credential_malformed,
// multiple_credentials, request_malformed (a token in the query), scheme_not_accepted (no row has
// this Authorization scheme). Fails closed. Does not look at the credential itself.
protocol::Verdict<PresentedCredential> read_credential(const http::RequestHead& head,
                                                       std::string_view api_key_field);

}  // namespace countersign::provider
