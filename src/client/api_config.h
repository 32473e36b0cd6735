// ApiConfig: one payment API as a client of it is configured, and its reading from an [[api]] table
// (docs/reference/egress-toml.md). The egress and the library read the same tables.
//
// Not here: what concerns the egress alone (prefixes, who may call).

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/schemes/scheme_registry.h"
#include "core/config.h"
#include "http/target.h"
#include "net/tls.h"

namespace countersign::client {

// An origin besides the issuer's own where its token endpoint may be.
struct IssuerOriginConfig {
  http::Url url;
  net::TlsClientContext::Options tls;  // the issuer's trust anchors, this origin's own name

  friend bool operator==(const IssuerOriginConfig&, const IssuerOriginConfig&) = default;
};

struct ApiConfig {
  std::string name;  // for logs
  http::Url url;
  // In place of looking the URL's host up; names are verified all the same.
  std::optional<Endpoint> connect_to;
  net::TlsClientContext::Options tls;
  std::string certificate_thumbprint;  // x5t#S256 of the own certificate; empty if there is none
  const consumer::SchemeRow* scheme = nullptr;
  consumer::SchemeSettings settings;
  std::optional<http::Url> issuer;  // of schemes that need one
  std::optional<Endpoint> issuer_connect_to;
  net::TlsClientContext::Options issuer_tls;  // as `tls`, for the issuer's host
  std::vector<IssuerOriginConfig> issuer_origins;
  // Of a whole call, waiting for a token included. A payment that takes longer is better looked up
  // than waited for.
  std::chrono::milliseconds deadline{30'000};
  size_t connections_max = 1024;  // of each loop

  friend bool operator==(const ApiConfig&, const ApiConfig&) = default;
};

// Problems are noted in the section.
ApiConfig read_api_config(const ConfigSection& section);

// An https URL of an API: no path but "/". The error says what is wrong.
Result<http::Url> parse_api_url(std::string_view text);
// Base64 of a SHA-256 over a SubjectPublicKeyInfo (RFC 7469 §2.4).
Result<crypto::Sha256Digest> parse_pin(std::string_view text);
// x5t#S256 (RFC 8705 §3.1) of the first certificate of a chain.
Result<std::string> thumbprint_of(std::string_view certificate_chain_pem);
// Where tokens come from: TLS as for the API, but the issuer's own name, and the API's pins and
// address only if both are the same server. Call it after the API's own members are set.
void set_issuer(ApiConfig& api, http::Url issuer, std::optional<Endpoint> connect_to,
                std::string anchors_pem);

}  // namespace countersign::client
