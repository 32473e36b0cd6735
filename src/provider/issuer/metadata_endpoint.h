// The metadata endpoint (RFC 8414): what a client needs to know of the issuer.

#pragma once

#include <string_view>

#include "provider/issuer/static_document.h"

namespace countersign::provider {

struct IssuerOptions;

StaticDocument make_metadata_document(const IssuerOptions& options);

// The endpoints' places below the issuer identifier.
inline constexpr std::string_view token_endpoint_suffix = "/oauth2/token";
inline constexpr std::string_view jwks_endpoint_suffix = "/oauth2/jwks";

}  // namespace countersign::provider
