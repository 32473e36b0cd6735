// https URLs as issuers, endpoints and resources are named by, read strictly: none of the forms
// that two readers take for two different places (user information, fragments, empty hosts, odd
// ports). Only splits and checks; connecting is for http/target.h's Url.

#pragma once

#include <optional>
#include <string_view>

namespace countersign::protocol {

inline constexpr size_t https_url_bytes_max = 2048;

// Views into the text.
struct HttpsUrlParts {
  std::string_view authority;  // host, and port if it was written
  std::string_view path;       // "" or "/…"
  std::string_view query;      // without the '?'
  bool has_query = false;
};

// RFC 3986 §3, scheme "https" in lower case only; nullopt otherwise.
std::optional<HttpsUrlParts> split_https_url(std::string_view text);

}  // namespace countersign::protocol
