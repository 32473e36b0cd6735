#include "protocol/oauth_error.h"

#include <algorithm>
#include <array>

#include "core/json.h"

namespace countersign::protocol {
namespace {

using enum OAuthError;

constexpr size_t text_bytes_max = 512;
constexpr size_t body_bytes_max = 16 * 1024;

constexpr auto rows = std::to_array<OAuthErrorRow>({
    {invalid_request, "invalid_request", 400, false},
    // RFC 6749 §5.2: 401 where the client used the Authorization field, and allowed otherwise.
    {invalid_client, "invalid_client", 401, false},
    {invalid_grant, "invalid_grant", 400, false},
    {unauthorized_client, "unauthorized_client", 400, false},
    {unsupported_grant_type, "unsupported_grant_type", 400, false},
    {invalid_scope, "invalid_scope", 400, false},
    {invalid_target, "invalid_target", 400, false},
    {invalid_dpop_proof, "invalid_dpop_proof", 400, false},
    {use_dpop_nonce, "use_dpop_nonce", 400, true},
    {server_error, "server_error", 500, true},
    {temporarily_unavailable, "temporarily_unavailable", 503, true},
    {other, "", 400, false},
});

constexpr bool rows_are_in_order() {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<size_t>(rows[i].error) != i) return false;
  }
  return rows.size() == static_cast<size_t>(other) + 1;
}
static_assert(rows_are_in_order(), "one row each, in the order of the enumeration");

// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
bool in_charset(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

bool is_text(std::string_view text) {
  return text.size() <= text_bytes_max && std::ranges::all_of(text, in_charset);
}

}  // namespace

const OAuthErrorRow& row_of(OAuthError error) {
  return rows[static_cast<size_t>(error)];
}

OAuthError parse_oauth_error(std::string_view code) {
  const auto found = std::ranges::find(rows, code, &OAuthErrorRow::code);
  return found == rows.end() ? other : found->error;
}

std::string write_oauth_error(OAuthError error, std::string_view description,
                              std::string_view reason, std::string_view decision_id) {
  std::string text(description.substr(0, text_bytes_max));
  std::ranges::replace_if(text, [](char c) { return !in_charset(c); }, '?');
  Json body = Json::object();
  body["error"] = error == other ? row_of(server_error).code : row_of(error).code;
  if (!text.empty()) body["error_description"] = text;
  if (!reason.empty()) body["reason"] = reason;
  if (!decision_id.empty()) body["decision_id"] = decision_id;
  return to_text(body);
}

Result<OAuthErrorResponse> parse_oauth_error_response(std::string_view body) {
  const auto document = parse_json(body, {.bytes_max = body_bytes_max});
  OAuthErrorResponse response;
  if (document && document->is_object()) {
    response.code = string_member(*document, "error").value_or("");
  }
  if (response.code.empty() || !is_text(response.code)) {
    return fail(ErrorKind::unavailable, "oauth.bad_error_response",
                "The issuer refused, but its answer is not an OAuth error.");
  }
  response.error = parse_oauth_error(response.code);
  const auto read = [&document](std::string_view name, std::string& into) {
    std::string text = string_member(*document, name).value_or("");
    if (is_text(text)) into = std::move(text);
  };
  read("error_description", response.description);
  read("reason", response.reason);
  read("decision_id", response.decision_id);
  return response;
}

}  // namespace countersign::protocol
