// Hosts, authorities, and the URLs of the configuration.

#include <charconv>

#include "core/ascii.h"
#include "core/ip_address.h"
#include "http/char_class.h"
#include "http/target.h"

namespace countersign::http {
namespace {

constexpr size_t host_bytes_max = 253;  // RFC 1035 §2.3.4, without the root's dot

// The length of the host at the start of an authority: up to the colon before the port.
size_t host_length(std::string_view authority) {
  if (!authority.starts_with('[')) return authority.find(':');
  const size_t bracket = authority.find(']');
  if (bracket == std::string_view::npos || bracket + 1 == authority.size())
    return std::string_view::npos;
  return bracket + 1;
}

// 1 to 65535 without leading zeros; 0 otherwise.
uint16_t parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.front() == '0') return 0;
  for (const char c : text) {
    if (!ascii::is_digit(c)) return 0;
  }
  unsigned port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port <= 65535 ? static_cast<uint16_t>(port) : 0;
}

uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

std::unexpected<Error> bad_url(std::string_view what, std::string_view text) {
  return fail(ErrorKind::invalid_input, "http.bad_url",
              "the URL \"" + std::string(text) + "\" " + std::string(what));
}

}  // namespace

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > host_bytes_max) return false;
  if (text.front() != '[') return chars::all(text, chars::host_name);
  if (text.size() < 4 || text.back() != ']') return false;
  const std::string_view address = text.substr(1, text.size() - 2);
  return address.find(':') != std::string_view::npos && IpAddress::parse(address).has_value();
}

bool is_authority(std::string_view text) {
  const size_t length = host_length(text);
  if (!is_host(text.substr(0, length))) return false;
  if (length == std::string_view::npos) return true;
  return text[length] == ':' && parse_port(text.substr(length + 1)) != 0;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::target() const {
  return query.empty() ? path : path + "?" + query;
}

std::string Url::origin() const {
  return scheme + "://" + authority();
}

std::string Url::to_string() const {
  return origin() + target();
}

Result<Url> parse_url(std::string_view text) {
  const size_t slashes = text.find("://");
  if (slashes == std::string_view::npos) return bad_url("has no scheme", text);
  Url url;
  url.scheme = ascii::lower(text.substr(0, slashes));
  if (url.scheme != "http" && url.scheme != "https")
    return bad_url("is neither http nor https", text);

  const std::string_view rest = text.substr(slashes + 3);
  const size_t authority_end = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos) {
    // The part before the '@' may be a password: it is not repeated.
    return fail(ErrorKind::invalid_input, "http.bad_url",
                "a URL holds user information, which is not allowed");
  }
  if (!is_authority(authority)) return bad_url("has no valid host and port", text);
  const size_t length = host_length(authority);
  std::string_view host = authority.substr(0, length);
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  url.host = ascii::lower(host);
  url.port = length == std::string_view::npos ? default_port(url.scheme)
                                              : parse_port(authority.substr(length + 1));

  const std::string_view target =
      authority_end == std::string_view::npos ? "" : rest.substr(authority_end);
  if (target.find('#') != std::string_view::npos) return bad_url("has a fragment", text);
  if (!target.empty() && !is_target_text(target))
    return bad_url("holds a character that must be encoded", text);
  const SplitTarget parts = split_target(target);
  url.path = parts.path.empty() ? "/" : parts.path;
  url.query = parts.query;
  return url;
}

}  // namespace countersign::http
