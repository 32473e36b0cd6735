#include "consumer/schemes/redact.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/json.h"
#include "protocol/api_key.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view ellipsis = "…";
constexpr size_t kid_bytes_max = 64;  // a longer one may be anything

std::string length_text(size_t bytes) {
  return std::to_string(bytes) + " bytes";
}

// RFC 7515 §4.1.4. Empty unless the token looks like a JWT whose header names a key in plain
// characters.
std::string key_id_of(std::string_view token) {
  const size_t dot = token.find('.');
  if (dot == std::string_view::npos) return {};
  const auto header = decode_base64url(token.substr(0, dot));
  if (!header) return {};
  const auto json = parse_json(as_text(*header));
  if (!json) return {};
  const std::string kid = string_member(*json, "kid").value_or("");
  const bool plain = std::ranges::all_of(
      kid, [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; });
  return plain && kid.size() <= kid_bytes_max ? kid : std::string();
}

}  // namespace

std::string redacted_key(std::string_view key) {
  std::string text;
  if (const auto parts = protocol::parse_api_key(key)) {
    text = key.substr(0, static_cast<size_t>(parts->secret.data() - key.data()));
  }
  return text.append(ellipsis).append(" (").append(length_text(key.size())).append(")");
}

std::string redacted_token(std::string_view token) {
  std::string text(ellipsis);
  text.append(" (").append(length_text(token.size()));
  if (const std::string kid = key_id_of(token); !kid.empty())
    text.append(", JWT, kid ").append(kid);
  return text.append(")");
}

}  // namespace countersign::consumer
