// `oauth2_bearer`: a signed access token that is tied to nothing (RFC 6750, RFC 9068). Who holds it
// can use it, until it expires or is cut off. Tokens that are bound are never taken by this scheme.

#pragma once

#include "provider/schemes/scheme.h"

namespace countersign::provider {

const Scheme& oauth2_bearer_scheme();

}  // namespace countersign::provider
