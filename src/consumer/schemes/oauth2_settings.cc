#include "consumer/schemes/oauth2_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "http/form.h"
#include "http/target.h"
#include "protocol/metadata.h"
#include "protocol/scope.h"
#include "protocol/token_messages.h"

namespace countersign::consumer {
namespace {

using Kind = SettingSpec::Kind;

constexpr auto settings_table = std::to_array<SettingSpec>({
    {.key = "issuer", .required = true, .help = "the issuer's URL, exactly as it names itself"},
    {.key = "token_path",
     .help =
         "path of the token endpoint at the issuer; default: taken from its metadata (RFC 8414)"},
    {.key = "token_endpoint_origins",
     .kind = Kind::list,
     .help = "origins besides the issuer's own where its metadata may put the token endpoint, as "
             "https://HOST[:PORT]; default: none"},
    {.key = "client_id", .required = true, .help = "the client's id at the issuer"},
    {.key = "client_auth",
     .help = "client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or "
             "self_signed_tls_client_auth; the default is the scheme's"},
    {.key = "client_secret",
     .kind = Kind::secret,
     .help = "the client's secret at the issuer; for client_secret_basic and client_secret_post"},
    {.key = "client_key",
     .kind = Kind::secret,
     .help = "the key that signs assertions (PEM: P-256, RSA or Ed25519); for private_key_jwt"},
    {.key = "client_key_passphrase",
     .kind = Kind::secret,
     .help = "of an encrypted client_key; default: it is not encrypted"},
    {.key = "client_key_id",
     .help = "`kid` of assertions; default: the key's thumbprint (RFC 7638)"},
    {.key = "client_key_algorithm",
     .help = "ES256, PS256 or EdDSA: what client_key must be good for; default: what it is"},
    {.key = "scopes", .kind = Kind::list, .help = "scopes to ask for; default: the issuer's"},
    {.key = "resource", .help = "the API the token is for (RFC 8707); default: the issuer's"},
    {.key = "resources",
     .kind = Kind::list,
     .help = "in place of `resource`: several APIs that the token is for"},
    {.key = "extra_parameters",
     .kind = Kind::table,
     .help = "what this issuer wants in a token request besides, such as audience"},
    {.key = "assumed_lifetime",
     .kind = Kind::seconds,
     .help = "seconds a token is taken to live if the issuer does not say; default 300"},
    {.key = "request_timeout",
     .kind = Kind::seconds,
     .help = "seconds a token request may take; default 10"},
});

std::unexpected<Error> bad_setting(std::string_view text) {
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", text);
}

Result<std::optional<crypto::PrivateKey>> read_key(const SchemeSettings& settings) {
  const Secret pem = settings.secret("client_key");
  const Secret passphrase = settings.secret("client_key_passphrase");
  const std::string wanted = settings.text_or("client_key_algorithm", "");
  if (pem.empty()) {
    if (!passphrase.empty()) return bad_setting("client_key_passphrase: there is no client_key");
    if (!wanted.empty()) return bad_setting("client_key_algorithm: there is no client_key");
    return std::nullopt;
  }
  auto key = crypto::PrivateKey::from_pem(pem, passphrase);
  if (!key) return bad_setting("client_key: " + key.error().public_text);
  const std::string_view algorithm = key->algorithm().jose_name;
  if (!wanted.empty() && wanted != algorithm) {
    return bad_setting("client_key_algorithm: the key is one for " + std::string(algorithm));
  }
  return *std::move(key);
}

Result<ClientAuthentication> read_authentication(const SchemeSettings& settings,
                                                 const SchemeParts& parts,
                                                 std::string_view default_auth) {
  const ClientAuthMethod* method =
      find_client_auth_method(settings.text_or("client_auth", default_auth));
  if (!method) {
    std::string known;
    for (const ClientAuthMethod& row : client_auth_methods())
      known += (known.empty() ? "" : ", ") + std::string(row.name);
    return bad_setting("client_auth: not a known method; known are " + known);
  }
  CS_TRY(auto key, read_key(settings));
  return ClientAuthentication::create(*method,
                                      {.client_id = settings.text_or("client_id", ""),
                                       .secret = settings.secret("client_secret"),
                                       .key = std::move(key),
                                       .key_id = settings.text_or("client_key_id", ""),
                                       .certificate_thumbprint = parts.certificate_thumbprint});
}

// RFC 8707 §2: absolute URIs without fragment. What each means is the issuer's to say.
bool is_resource(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.size() <= 2048 &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

Result<std::vector<std::string>> read_resources(const SchemeSettings& settings) {
  std::vector<std::string> resources = settings.list("resources");
  const std::string one = settings.text_or("resource", "");
  if (!one.empty() && !resources.empty()) return bad_setting("resource: not beside resources");
  if (!one.empty()) resources.push_back(one);
  if (resources.size() > protocol::token_request_resources_max) {
    return bad_setting("resources: more than 8");
  }
  if (!std::ranges::all_of(resources, is_resource)) {
    return bad_setting("resource: not an absolute URI without fragment");
  }
  std::ranges::sort(resources);
  const auto repeated = std::ranges::unique(resources);
  resources.erase(repeated.begin(), repeated.end());
  return resources;
}

// Each listed origin with the client that reaches it.
Result<std::vector<IssuerOrigin>> read_origins(const SchemeSettings& settings,
                                               const SchemeParts& parts) {
  std::vector<IssuerOrigin> origins;
  for (const std::string& text : settings.list("token_endpoint_origins")) {
    const auto url = http::parse_url(text);
    if (!url || !url->is_https() || url->target() != "/") {
      return bad_setting("token_endpoint_origins: not https://HOST[:PORT]");
    }
    const auto found =
        std::ranges::find(parts.issuer_origins, url->origin(), &IssuerOrigin::origin);
    if (found == parts.issuer_origins.end()) {
      return bad_setting("token_endpoint_origins: there is no way to " + url->origin());
    }
    origins.push_back(*found);
  }
  return origins;
}

}  // namespace

std::span<const SettingSpec> oauth2_settings() {
  return settings_table;
}

Result<OAuthSourceOptions> read_oauth2_settings(const SchemeSettings& settings,
                                                const SchemeParts& parts,
                                                std::string_view default_auth,
                                                bool bound_to_certificate) {
  CS_TRY(ClientAuthentication auth, read_authentication(settings, parts, default_auth));
  OAuthSourceOptions source{.issuer = settings.text_or("issuer", ""),
                            .token_path = settings.text_or("token_path", ""),
                            .auth = std::move(auth),
                            .bound_to_certificate = bound_to_certificate,
                            .scopes = settings.list("scopes"),
                            .extra_parameters = settings.table("extra_parameters")};
  if (!protocol::check_issuer(source.issuer))
    return bad_setting("issuer: not an https URL without query");
  if (!source.token_path.empty() && !http::parse_canonical_path(source.token_path)) {
    return bad_setting("token_path: not a canonical path");
  }
  if (!protocol::ScopeSet::from_names(source.scopes))
    return bad_setting("scopes: not scopes (RFC 6749 §3.3)");
  CS_TRY(source.other_origins, read_origins(settings, parts));
  if (!source.token_path.empty() && !source.other_origins.empty()) {
    return bad_setting("token_endpoint_origins: not used with token_path");
  }
  CS_TRY(source.resources, read_resources(settings));
  CS_CHECK(check_extra_parameters(source.extra_parameters));
  return source;
}

SlotKey slot_key_of(const OAuthSourceOptions& source) {
  SlotKey key{.issuer = source.issuer,
              .client_id = source.auth.client_id(),
              .credential_version = source.auth.version(source.issuer),
              .scopes = source.scopes};
  for (const std::string& resource : source.resources) {
    http::append_form_field(key.resource, "resource", resource);
  }
  for (const auto& [name, value] : source.extra_parameters) {
    http::append_form_field(key.resource, name, value);
  }
  return key;
}

}  // namespace countersign::consumer
