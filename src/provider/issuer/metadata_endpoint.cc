#include "provider/issuer/metadata_endpoint.h"

#include <string>

#include "protocol/metadata.h"
#include "protocol/token_messages.h"
#include "provider/issuer/issuer.h"

namespace countersign::provider {

StaticDocument make_metadata_document(const IssuerOptions& options) {
  std::string_view base = options.issuer;
  if (base.ends_with('/')) base.remove_suffix(1);
  const auto below = [](std::string_view prefix, std::string_view suffix) {
    return std::string(prefix).append(suffix);
  };
  protocol::ServerMetadata metadata;
  metadata.issuer = options.issuer;
  metadata.token_endpoint = below(base, token_endpoint_suffix);
  metadata.jwks_uri = below(base, jwks_endpoint_suffix);
  metadata.scopes_supported = options.scopes_supported;
  metadata.grant_types_supported = {std::string(protocol::client_credentials_grant)};
  for (const ClientAuthMethod method :
       {ClientAuthMethod::client_secret_basic, ClientAuthMethod::client_secret_post,
        ClientAuthMethod::tls_client_auth, ClientAuthMethod::self_signed_tls_client_auth}) {
    metadata.token_endpoint_auth_methods_supported.emplace_back(store::name_of(method));
  }
  metadata.tls_client_certificate_bound_access_tokens = true;
  if (!options.mtls_origin.empty()) {
    const std::string path = below(protocol::issuer_path(options.issuer), token_endpoint_suffix);
    metadata.mtls_token_endpoint = below(options.mtls_origin, path);
  }
  return {"application/json", protocol::write_metadata(metadata)};
}

}  // namespace countersign::provider
