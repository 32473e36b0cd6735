#include "protocol/token_messages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "core/ascii.h"
#include "core/json.h"

namespace countersign::protocol {
namespace {

constexpr size_t value_bytes_max = 8 * 1024;
constexpr size_t client_id_bytes_max = 256;
constexpr size_t response_bytes_max = 64 * 1024;
constexpr auto token_types = std::to_array<std::string_view>({"Bearer", "DPoP"});

std::unexpected<Error> bad_request(std::string_view code, std::string_view public_text) {
  return fail(ErrorKind::invalid_input, code, public_text);
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// RFC 6749 §3.2: no parameter more than once. RFC 8707 §2: `resource` may be repeated.
Result<void> check_parameters(std::span<const Parameter> parameters) {
  if (parameters.size() > token_request_parameters_max) {
    return bad_request("oauth.too_many_parameters", "There are too many parameters.");
  }
  std::set<std::string_view> seen;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != "resource" && !seen.insert(parameter.name).second) {
      return bad_request("oauth.repeated_parameter", "A parameter stands more than once.");
    }
    if (parameter.value.size() > value_bytes_max) {
      return bad_request("oauth.parameter_too_long", "A parameter is too long.");
    }
  }
  return {};
}

// What this program reads must be of printable ASCII (RFC 6749 §A); empty is as good as
// absent.
Result<void> assign(TokenRequest& request, const Parameter& parameter) {
  const auto& [name, value] = parameter;
  if (value.empty()) return {};
  std::string* text = nullptr;
  if (name == "grant_type") text = &request.grant_type;
  if (name == "client_id") text = &request.client_id;
  if (name == "client_assertion_type") text = &request.client_assertion_type;
  Secret* secret = nullptr;
  if (name == "client_secret") secret = &request.client_secret;
  if (name == "client_assertion") secret = &request.client_assertion;
  const bool is_scope = name == "scope";
  const bool is_resource = name == "resource";
  if (text == nullptr && secret == nullptr && !is_scope && !is_resource) return {};

  if (!is_visible(value)) {
    return bad_request("oauth.bad_parameter", "A parameter holds characters that it may not.");
  }
  if (name == "client_id" && value.size() > client_id_bytes_max) {
    return bad_request("oauth.parameter_too_long", "A parameter is too long.");
  }
  if (text != nullptr) *text = value;
  if (secret != nullptr) *secret = Secret::copy_of(value);
  if (is_resource) {
    if (request.resources.size() == token_request_resources_max) {
      return bad_request("oauth.too_many_parameters", "There are too many resources.");
    }
    request.resources.emplace_back(value);
  }
  if (is_scope) {
    CS_TRY(request.scope, ScopeSet::parse(value));
  }
  return {};
}

// A text of digits, as some issuers send the number.
ExpiresIn expires_in_of_text(const std::string& text) {
  const bool digits = !text.empty() && std::ranges::all_of(text, ascii::is_digit);
  if (!digits) return {.kind = ExpiresIn::Kind::malformed};
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) seconds = INT64_MAX;
  if (seconds == 0) return {.kind = ExpiresIn::Kind::not_positive};
  return {.kind = ExpiresIn::Kind::given, .seconds = std::chrono::seconds(seconds)};
}

ExpiresIn expires_in_of_number(const Json& value) {
  // Both integer types and fractions; what does not fit is cut, never wrapped.
  const double seconds = std::floor(value.get<double>());
  if (std::isnan(seconds)) return {.kind = ExpiresIn::Kind::malformed};
  if (seconds < 1) return {.kind = ExpiresIn::Kind::not_positive};
  const double most = static_cast<double>(ExpiresIn::seconds_max.count()) + 1;
  return {.kind = ExpiresIn::Kind::given,
          .seconds = std::chrono::seconds(static_cast<int64_t>(std::min(seconds, most)))};
}

ExpiresIn read_expires_in(const Json& body) {
  const auto found = body.find("expires_in");
  if (found == body.end() || found->is_null()) return {};
  ExpiresIn expires{.kind = ExpiresIn::Kind::malformed};
  if (found->is_number()) expires = expires_in_of_number(*found);
  if (found->is_string()) expires = expires_in_of_text(found->get_ref<const std::string&>());
  if (expires.seconds > ExpiresIn::seconds_max) {
    return {.kind = ExpiresIn::Kind::capped, .seconds = ExpiresIn::seconds_max};
  }
  return expires;
}

std::unexpected<Error> bad_response(std::string_view private_detail) {
  return fail(ErrorKind::unavailable, "oauth.bad_token_response",
              "The issuer's answer is not a token response.", private_detail);
}

Result<TokenType> read_token_type(const Json& body) {
  const auto text = string_member(body, "token_type");
  if (!text) return bad_response("token_type is missing or not a string");
  for (size_t i = 0; i < token_types.size(); ++i) {
    if (ascii::equal_ignoring_case(*text, token_types[i])) return static_cast<TokenType>(i);
  }
  // RFC 6749 §7.1: a client does not use a token whose type it does not understand.
  return fail(ErrorKind::unavailable, "oauth.unknown_token_type",
              "The issuer grants tokens of a type that is not understood.");
}

Result<void> read_scope(const Json& body, TokenResponse& response) {
  if (!has_member(body, "scope")) return {};
  const auto text = string_member(body, "scope");
  if (!text) return bad_response("scope is not a string");
  auto scope = ScopeSet::parse(*text);
  if (!scope) return bad_response("scope is malformed");
  response.scope = *std::move(scope);
  return {};
}

Secret read_refresh_token(Json& body) {
  auto text = string_member(body, "refresh_token");
  if (!text) return {};
  wipe(body["refresh_token"].get_ref<std::string&>());
  const bool usable = text->size() <= refresh_token_bytes_max && is_visible(*text);
  Secret token = Secret::take(*std::move(text));
  return usable ? token : Secret();
}

}  // namespace

Result<TokenRequest> parse_token_request(std::span<const Parameter> parameters) {
  CS_CHECK(check_parameters(parameters));
  TokenRequest request;
  for (const Parameter& parameter : parameters) CS_CHECK(assign(request, parameter));
  return request;
}

Parameters write_token_request(const TokenRequest& request) {
  Parameters parameters;
  const auto add = [&parameters](std::string_view name, std::string_view value) {
    if (!value.empty()) parameters.emplace_back(name, value);
  };
  add("grant_type", request.grant_type);
  add("scope", request.scope.to_string());
  for (const std::string& resource : request.resources) add("resource", resource);
  add("client_id", request.client_id);
  add("client_secret", request.client_secret.unsafe_reveal_text());
  add("client_assertion_type", request.client_assertion_type);
  add("client_assertion", request.client_assertion.unsafe_reveal_text());
  return parameters;
}

void wipe_parameters(Parameters& parameters) {
  for (auto& [name, value] : parameters) wipe(value);
  parameters.clear();
}

std::string_view name_of(TokenType type) {
  return token_types[static_cast<size_t>(type)];
}

std::chrono::seconds ExpiresIn::or_else(std::chrono::seconds otherwise) const {
  const bool unknown = kind == Kind::missing || kind == Kind::malformed;
  return unknown ? otherwise : seconds;
}

Result<TokenResponse> parse_token_response(std::string_view body) {
  auto document = parse_json(body, {.bytes_max = response_bytes_max});
  if (!document) return bad_response(document.error().code);
  if (!document->is_object()) return bad_response("not an object");
  auto token = string_member(*document, "access_token");
  if (!token) return bad_response("access_token is missing or not a string");
  if (token->size() > access_token_bytes_max) return bad_response("access_token is too long");
  if (!is_b64token(*token)) return bad_response("access_token is not a b64token");
  TokenResponse response;
  response.access_token = Secret::take(*std::move(token));
  wipe((*document)["access_token"].get_ref<std::string&>());
  CS_TRY(response.token_type, read_token_type(*document));
  response.refresh_token = read_refresh_token(*document);
  response.expires_in = read_expires_in(*document);
  CS_CHECK(read_scope(*document, response));
  return response;
}

std::string write_token_response(const TokenGrant& grant) {
  // No escaping is needed: is_b64token and the scope charset leave out quotes and backslashes.
  // Written directly, so that the token is not left behind in a document's memory.
  if (!is_b64token(grant.access_token.unsafe_reveal_text())) panic("a token that is no b64token");
  const std::string scope = grant.scope.to_string();
  std::string body;
  body.reserve(grant.access_token.size() + scope.size() + 128);
  body.append("{\"access_token\":\"").append(grant.access_token.unsafe_reveal_text());
  body.append("\",\"token_type\":\"").append(name_of(grant.token_type));
  body.append("\",\"expires_in\":").append(std::to_string(grant.expires_in.count()));
  if (!scope.empty()) body.append(",\"scope\":\"").append(scope).append("\"");
  body.append("}");
  return body;
}

bool is_b64token(std::string_view text) {
  // RFC 6750 §2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
  while (text.size() > 1 && text.ends_with('=')) text.remove_suffix(1);
  static constexpr std::string_view others = "-._~+/";
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return ascii::is_alnum(c) || others.contains(c); });
}

}  // namespace countersign::protocol
