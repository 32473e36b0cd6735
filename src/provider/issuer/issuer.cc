#include "provider/issuer/issuer.h"

#include <utility>

#include "protocol/api_key.h"
#include "protocol/https_url.h"
#include "protocol/metadata.h"
#include "provider/issuer/issuer_problem.h"
#include "provider/issuer/jwks_endpoint.h"
#include "provider/issuer/metadata_endpoint.h"
#include "provider/issuer/token_factory.h"

namespace countersign::provider {
namespace {

using std::chrono::seconds;

std::unexpected<Error> bad_option(std::string_view public_text) {
  return fail(ErrorKind::misconfigured, "issuer.bad_option", public_text);
}

Result<void> check_options(const IssuerOptions& options) {
  CS_CHECK(protocol::check_issuer(options.issuer));
  CS_CHECK(protocol::check_key_environment(options.environment));
  if (options.audience.empty()) return bad_option("The issuer needs an audience for its tokens.");
  if (options.signing_keys.empty()) return bad_option("The issuer needs a signing key.");
  if (options.token_lifetime < seconds(1) || options.token_lifetime > options.token_lifetime_max) {
    return bad_option("The token lifetime is at least one second and at most its maximum.");
  }
  if (!options.mtls_origin.empty()) {
    const auto parts = protocol::split_https_url(options.mtls_origin);
    if (!parts || !parts->path.empty() || parts->has_query) {
      return bad_option("The origin for mutual TLS has the form https://host[:port].");
    }
  }
  return {};
}

std::string endpoint_path(const IssuerOptions& options, std::string_view suffix) {
  return std::string(protocol::issuer_path(options.issuer)).append(suffix);
}

TokenEndpointOptions token_endpoint_options(const IssuerOptions& options) {
  return {.tokens = {.issuer = options.issuer,
                     .audience = options.audience,
                     .lifetime = options.token_lifetime,
                     .lifetime_max = options.token_lifetime_max},
          .environment = options.environment};
}

}  // namespace

Issuer::Issuer(const IssuerOptions& options, IssuerParts parts, jose::JwkSet keys)
    : token_path_(endpoint_path(options, token_endpoint_suffix)),
      metadata_path_(protocol::well_known_path(options.issuer).value()),
      jwks_path_(endpoint_path(options, jwks_endpoint_suffix)),
      keys_(std::move(keys)),
      token_endpoint_(token_endpoint_options(options), options.signing_keys.front(), parts.registry,
                      parts.peppers, parts.audit, parts.clock, parts.entropy),
      metadata_(make_metadata_document(options)),
      jwks_(make_jwks_document(keys_)) {}

Result<std::unique_ptr<Issuer>> Issuer::create(IssuerOptions options, IssuerParts parts) {
  CS_CHECK(check_options(options));
  CS_TRY(jose::JwkSet keys, public_keys_of(options.signing_keys));
  return std::unique_ptr<Issuer>(new Issuer(options, parts, std::move(keys)));
}

bool Issuer::handles(std::string_view path) const {
  return path == token_path_ || path == metadata_path_ || path == jwks_path_;
}

Task<void> Issuer::serve(http::Exchange& exchange) {
  const std::string_view path = exchange.request().path;
  if (path == token_path_) {
    co_await token_endpoint_.serve(exchange);
  } else if (path == metadata_path_) {
    co_await metadata_.serve(exchange);
  } else if (path == jwks_path_) {
    co_await jwks_.serve(exchange);
  } else {
    co_await respond_refusal(exchange, protocol::Reason::route_unknown);
  }
}

}  // namespace countersign::provider
