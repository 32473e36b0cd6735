#include "protocol/https_url.h"

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/ip_address.h"

namespace countersign::protocol {
namespace {

constexpr std::string_view scheme = "https://";

// RFC 3986 §3.3: pchar and '/', and '?' for queries; a '%' begins a triplet.
bool is_url_text(std::string_view text, std::string_view extra) {
  const auto is_hex = [](char c) {
    return ascii::is_digit(c) || (ascii::to_lower(c) >= 'a' && ascii::to_lower(c) <= 'f');
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      continue;
    }
    constexpr std::string_view others = "-._~!$&'()*+,;=:@/";
    if (ascii::is_alnum(c) || others.contains(c) || extra.contains(c)) continue;
    return false;
  }
  return true;
}

bool is_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0 && text[0] != '0';
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return false;
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    return address && host.contains(':');
  }
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
}

bool is_authority(std::string_view authority) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return is_host(authority);
  return is_host(authority.substr(0, colon)) && is_port(authority.substr(colon + 1));
}

}  // namespace

std::optional<HttpsUrlParts> split_https_url(std::string_view text) {
  if (text.size() > https_url_bytes_max || !text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  HttpsUrlParts parts;
  parts.authority = text.substr(0, text.find_first_of("/?"));
  text.remove_prefix(parts.authority.size());
  const size_t mark = text.find('?');
  parts.path = text.substr(0, mark);
  parts.has_query = mark != std::string_view::npos;
  if (parts.has_query) parts.query = text.substr(mark + 1);
  if (!is_authority(parts.authority)) return std::nullopt;
  if (!is_url_text(parts.path, "") || !is_url_text(parts.query, "?")) return std::nullopt;
  return parts;
}

}  // namespace countersign::protocol
