// The JWKS endpoint (RFC 7517 §5): the public keys that tokens are signed with.

#pragma once

#include "jose/jwk.h"
#include "provider/issuer/static_document.h"

namespace countersign::provider {

StaticDocument make_jwks_document(const jose::JwkSet& keys);

}  // namespace countersign::provider
