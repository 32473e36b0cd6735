// `oauth2_certificate`: an access token tied to the client's certificate (RFC 8705 §3,
// `cnf.x5t#S256`). The binding itself is checked with all others, by gateway/bindings.h, on every
// request.

#pragma once

#include "provider/schemes/scheme.h"

namespace countersign::provider {

const Scheme& oauth2_certificate_scheme();

}  // namespace countersign::provider
