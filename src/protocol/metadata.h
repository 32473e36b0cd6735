// Authorization server metadata (RFC 8414), with the mutual-TLS aliases of RFC 8705 §5.
//
// A client must not believe a document whose `issuer` is not the one it asked for: parse_metadata()
// takes the expected issuer and compares it byte for byte.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "protocol/scope.h"

namespace countersign::protocol {

struct ServerMetadata {
  std::string issuer;
  std::string token_endpoint;
  std::string jwks_uri;  // empty if absent
  std::vector<std::string> scopes_supported;
  std::vector<std::string> grant_types_supported;
  std::vector<std::string> token_endpoint_auth_methods_supported;
  std::vector<std::string> token_endpoint_auth_signing_alg_values_supported;
  bool tls_client_certificate_bound_access_tokens = false;
  std::string mtls_token_endpoint;  // mtls_endpoint_aliases.token_endpoint; empty if absent

  // RFC 8705 §5: a client that uses mutual TLS takes the alias where there is one.
  const std::string& token_endpoint_for(bool mutual_tls) const;
};

std::string write_metadata(const ServerMetadata& metadata);

// RFC 8414 §3.3. Endpoints must be https. All of kind unavailable: `metadata.malformed`,
// `metadata.wrong_issuer`, `metadata.bad_endpoint`. Fails closed. Does not check who served the
// document: that is TLS's part.
Result<ServerMetadata> parse_metadata(std::string_view body, std::string_view expected_issuer);

// RFC 8414 §2: https, no query, no fragment (`metadata.bad_issuer`).
Result<void> check_issuer(std::string_view issuer);

// The identifier's path without a '/' at its end: what its endpoints are below. A view into it;
// empty if there is none, or if this is no issuer identifier (check_issuer() says so).
std::string_view issuer_path(std::string_view issuer);

// RFC 8414 §3.1: the well-known part goes between host and path.
// "https://a.example/t1" → "/.well-known/oauth-authorization-server/t1"; one '/' at the end of the
// path is dropped.
Result<std::string> well_known_path(std::string_view issuer);
inline constexpr std::string_view well_known_prefix = "/.well-known/oauth-authorization-server";

// RFC 8414 §5: where servers that know only OpenID Connect Discovery have the same document: behind
// the path. "https://a.example/t1" → "/t1/.well-known/openid-configuration".
Result<std::string> openid_configuration_path(std::string_view issuer);

}  // namespace countersign::protocol
