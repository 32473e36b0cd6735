// Issuer: our OAuth2 authorization server. Three endpoints below the issuer identifier's path:
//
//   POST {path}/oauth2/token                             client credentials (RFC 6749 §4.4)
//   GET  /.well-known/oauth-authorization-server{path}   metadata (RFC 8414)
//   GET  {path}/oauth2/jwks                              signing keys (RFC 7517)
//
// One object per loop: it reads the registry by that loop's view, writes that loop's audit log, and
// signs on the loop's thread (an ES256 signature takes some 30 µs). It keeps no row of the tokens
// it grants.
//
// It does not terminate TLS: it believes the PeerInfo of the exchange, and nothing that a request
// says about its sender.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "crypto/key.h"
#include "http/service.h"
#include "jose/jwk.h"
#include "protocol/pepper.h"
#include "provider/audit/audit_log.h"
#include "provider/issuer/static_document.h"
#include "provider/issuer/token_endpoint.h"
#include "provider/registry/registry_view.h"

namespace countersign::provider {

struct IssuerOptions {
  std::string issuer;    // the identifier: https, no query; required
  std::string audience;  // `aud` of the tokens and the only `resource` (RFC 8707); required
  std::string environment = "live";  // of the client secrets that are accepted
  // The first one signs; all are published, so that a gateway knows the next one before it signs
  // and the last one until its tokens have expired. At least one.
  std::vector<crypto::PrivateKey> signing_keys;
  // Short: what a stolen token is worth ends here at the latest. A client's own lifetime overrides
  // it.
  std::chrono::seconds token_lifetime{300};
  std::chrono::seconds token_lifetime_max{3600};  // of clients that have their own
  std::vector<std::string> scopes_supported;      // shown in the metadata; empty: left out
  // "https://host[:port]" where clients with certificates connect, if it is not the issuer's own
  // host (RFC 8705 §5).
  std::string mtls_origin;
};

// What the issuer works with. All references outlive it.
struct IssuerParts {
  RegistryView& registry;
  const protocol::Peppers& peppers;
  AuditLog& audit;
  const Clock& clock;
  Entropy& entropy;
};

class Issuer final : public http::Service {
 public:
  // `issuer.bad_option` (misconfigured) says which one; `metadata.bad_issuer`.
  static Result<std::unique_ptr<Issuer>> create(IssuerOptions options, IssuerParts parts);

  // Whether a request for this path (without its query) is the issuer's to answer.
  bool handles(std::string_view path) const;
  // Other paths are answered 404.
  Task<void> serve(http::Exchange& exchange) override;

  const std::string& token_path() const { return token_path_; }
  const std::string& metadata_path() const { return metadata_path_; }
  const std::string& jwks_path() const { return jwks_path_; }
  // What its tokens are verified with.
  const jose::JwkSet& keys() const { return keys_; }

 private:
  Issuer(const IssuerOptions& options, IssuerParts parts, jose::JwkSet keys);

  std::string token_path_;
  std::string metadata_path_;
  std::string jwks_path_;
  jose::JwkSet keys_;
  TokenEndpoint token_endpoint_;
  StaticDocument metadata_;
  StaticDocument jwks_;
};

}  // namespace countersign::provider
