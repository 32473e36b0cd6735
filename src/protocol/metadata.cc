#include "protocol/metadata.h"

#include <algorithm>

#include "core/json.h"
#include "protocol/https_url.h"

namespace countersign::protocol {
namespace {

constexpr size_t body_bytes_max = 64 * 1024;
constexpr size_t names_max = 128;  // of one array: no server has more methods or scopes to name
constexpr size_t name_bytes_max = 256;

std::unexpected<Error> malformed(std::string_view private_detail) {
  return fail(ErrorKind::unavailable, "metadata.malformed",
              "The answer is not an authorization server's metadata.", private_detail);
}

// RFC 8705 §5, RFC 8414 §2: endpoints are https URLs. Empty if absent.
Result<std::string> read_endpoint(const Json& object, std::string_view name) {
  if (!has_member(object, name)) return std::string();
  const auto text = string_member(object, name);
  if (!text || !split_https_url(*text)) {
    return fail(ErrorKind::unavailable, "metadata.bad_endpoint",
                "The authorization server names an endpoint that is not an https URL.", name);
  }
  return *text;
}

// Absent is empty; of another type is malformed.
Result<std::vector<std::string>> read_names(const Json& object, std::string_view name) {
  std::vector<std::string> names;
  const auto found = object.find(name);
  if (found == object.end()) return names;
  if (!found->is_array() || found->size() > names_max) return malformed(name);
  for (const Json& item : *found) {
    if (!item.is_string()) return malformed(name);
    const auto& text = item.get_ref<const std::string&>();
    if (text.empty() || text.size() > name_bytes_max) return malformed(name);
    names.push_back(text);
  }
  return names;
}

Result<void> read_bound_tokens(const Json& object, ServerMetadata& metadata) {
  constexpr std::string_view name = "tls_client_certificate_bound_access_tokens";
  if (!has_member(object, name)) return {};
  const auto value = bool_member(object, name);
  if (!value) return malformed(name);
  metadata.tls_client_certificate_bound_access_tokens = *value;
  return {};
}

Result<void> read_mtls_aliases(const Json& object, ServerMetadata& metadata) {
  const auto found = object.find("mtls_endpoint_aliases");
  if (found == object.end()) return {};
  if (!found->is_object()) return malformed("mtls_endpoint_aliases");
  CS_TRY(metadata.mtls_token_endpoint, read_endpoint(*found, "token_endpoint"));
  return {};
}

}  // namespace

const std::string& ServerMetadata::token_endpoint_for(bool mutual_tls) const {
  return mutual_tls && !mtls_token_endpoint.empty() ? mtls_token_endpoint : token_endpoint;
}

std::string write_metadata(const ServerMetadata& metadata) {
  Json body = Json::object();
  body["issuer"] = metadata.issuer;
  body["token_endpoint"] = metadata.token_endpoint;
  if (!metadata.jwks_uri.empty()) body["jwks_uri"] = metadata.jwks_uri;
  if (!metadata.scopes_supported.empty()) body["scopes_supported"] = metadata.scopes_supported;
  // RFC 8414 §2 requires the member; there is no authorization endpoint, so it is empty.
  body["response_types_supported"] = Json::array();
  body["grant_types_supported"] = metadata.grant_types_supported;
  body["token_endpoint_auth_methods_supported"] = metadata.token_endpoint_auth_methods_supported;
  if (!metadata.token_endpoint_auth_signing_alg_values_supported.empty()) {
    body["token_endpoint_auth_signing_alg_values_supported"] =
        metadata.token_endpoint_auth_signing_alg_values_supported;
  }
  body["tls_client_certificate_bound_access_tokens"] =
      metadata.tls_client_certificate_bound_access_tokens;
  if (!metadata.mtls_token_endpoint.empty()) {
    body["mtls_endpoint_aliases"] = {{"token_endpoint", metadata.mtls_token_endpoint}};
  }
  return to_text(body);
}

Result<ServerMetadata> parse_metadata(std::string_view body, std::string_view expected_issuer) {
  const auto document = parse_json(body, {.bytes_max = body_bytes_max});
  if (!document) return malformed(document.error().code);
  if (!document->is_object()) return malformed("not an object");
  ServerMetadata metadata;
  metadata.issuer = string_member(*document, "issuer").value_or("");
  // RFC 8414 §3.3: identical to the issuer that the document was asked for, or nothing of it is
  // used.
  if (metadata.issuer.empty() || metadata.issuer != expected_issuer) {
    return fail(ErrorKind::unavailable, "metadata.wrong_issuer",
                "The metadata is that of another issuer.");
  }
  CS_TRY(metadata.token_endpoint, read_endpoint(*document, "token_endpoint"));
  if (metadata.token_endpoint.empty()) return malformed("token_endpoint");
  CS_TRY(metadata.jwks_uri, read_endpoint(*document, "jwks_uri"));
  CS_TRY(metadata.scopes_supported, read_names(*document, "scopes_supported"));
  CS_TRY(metadata.grant_types_supported, read_names(*document, "grant_types_supported"));
  CS_TRY(metadata.token_endpoint_auth_methods_supported,
         read_names(*document, "token_endpoint_auth_methods_supported"));
  CS_TRY(metadata.token_endpoint_auth_signing_alg_values_supported,
         read_names(*document, "token_endpoint_auth_signing_alg_values_supported"));
  CS_CHECK(read_bound_tokens(*document, metadata));
  CS_CHECK(read_mtls_aliases(*document, metadata));
  return metadata;
}

Result<void> check_issuer(std::string_view issuer) {
  const auto parts = split_https_url(issuer);
  if (parts && !parts->has_query) return {};
  return fail(ErrorKind::misconfigured, "metadata.bad_issuer",
              "An issuer identifier is an https URL without query and fragment.");
}

std::string_view issuer_path(std::string_view issuer) {
  const auto parts = split_https_url(issuer);
  if (!parts) return {};
  std::string_view path = parts->path;
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

Result<std::string> well_known_path(std::string_view issuer) {
  CS_CHECK(check_issuer(issuer));
  return std::string(well_known_prefix).append(issuer_path(issuer));
}

Result<std::string> openid_configuration_path(std::string_view issuer) {
  CS_CHECK(check_issuer(issuer));
  return std::string(issuer_path(issuer)).append("/.well-known/openid-configuration");
}

}  // namespace countersign::protocol
