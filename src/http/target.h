// Request targets and URLs: splitting, strict percent-decoding, the canonical path that a gateway
// may decide about, and the URLs of the configuration (RFC 3986). Not a general URI library: no
// relative references, no fragments.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign::http {

// "/a/b?x=1" → {"/a/b", "x=1"}. The first '?' separates; nothing is decoded or checked.
struct SplitTarget {
  std::string_view path;
  std::string_view query;  // without the '?'
};
SplitTarget split_target(std::string_view target);

// True if every byte may stand in a path or query as it is and every '%' begins a triplet (RFC 3986
// §3.3, §3.4).
// '[' and ']' are let through behind the first '?', because common clients send them there
// unescaped.
bool is_target_text(std::string_view text);

// A path with exactly one spelling, so that a rule about it cannot be passed by spelling it
// differently. Only parse_canonical_path() makes one; it views into what was parsed.
class CanonicalPath final {
 public:
  // As it was sent; begins with '/'. Segments may hold triplets of characters that need them.
  std::string_view text() const { return text_; }

 private:
  friend Result<CanonicalPath> parse_canonical_path(std::string_view path);
  explicit CanonicalPath(std::string_view text) : text_(text) {}
  std::string_view text_;
};

// Fails closed. Refused, each with its own code:
//   http.path_not_absolute      does not begin with '/'
//   http.path_bad_character     a byte that no path may hold, '\', '?', '#'
//   http.path_bad_triplet       '%' without two hexadecimal digits
//   http.path_dot_segment       "." or ".." (their encoded spellings are already not canonical)
//   http.path_empty_segment     "//"; a single '/' at the end is kept and is another resource
//   http.path_parameter         ';', encoded or not: some servers cut it off
//   http.path_encoded_structure %2F, %5C, %25: what they stand for depends on who decodes, and how
//   often http.path_control           an encoded control character http.path_not_minimal       an
//   encoded character that needs no encoding, or a triplet in lower case http.path_not_utf8 encoded
//   bytes that are not UTF-8 (overlong forms among them)
Result<CanonicalPath> parse_canonical_path(std::string_view path);

enum class PlusSign {
  literal,   // in paths
  is_space,  // in forms and queries
};
// Triplets become bytes. Refuses broken triplets, bytes outside visible ASCII, and results that are
// not UTF-8 or hold a control character (`http.bad_encoding`).
Result<std::string> decode_percent(std::string_view text, PlusSign plus);
// Everything but unreserved characters (RFC 3986 §2.3) becomes a triplet in upper case.
void append_percent_encoded(std::string& out, std::string_view text);

struct QueryParameter {
  std::string name;
  std::string value;  // empty as well if there was no '='
};

// The parameters of a query, decoded one by one:
//   QueryReader reader(head.query);
//   while (auto parameter = reader.next()) { if (!*parameter) return fail(…); … }
// An empty query has none. An empty pair ("a=1&&b=2"), an empty name, and a ';' in place of '&' are
// errors. Does not look for duplicates.
class QueryReader final {
 public:
  explicit QueryReader(std::string_view query) : rest_(query), ended_(query.empty()) {}
  // nullopt after the last one; after an error too.
  std::optional<Result<QueryParameter>> next();

 private:
  std::string_view rest_;
  bool ended_;
};

// A host as it may stand in Host or in a URL: a name of letters, digits, '-', '.', '_' (at most
// 253), an IPv4 address, or an IPv6 address in brackets. No user information, no percent-encoding,
// no zone.
bool is_host(std::string_view text);
// The same with an optional ":port", 1 to 65535 without leading zeros.
bool is_authority(std::string_view text);

// A URL of the configuration: http or https, no user information, no fragment.
struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address without its brackets
  uint16_t port = 0;   // 80 or 443 if the URL names none
  std::string path;    // begins with '/'
  std::string query;   // without the '?'

  bool is_https() const { return scheme == "https"; }
  // What stands in Host: brackets around IPv6, the port unless it is the scheme's.
  std::string authority() const;
  // Path and query.
  std::string target() const;
  // "https://host:port", the port unless it is the scheme's.
  std::string origin() const;
  std::string to_string() const;

  friend bool operator==(const Url&, const Url&) = default;
};
// `http.bad_url`; the text says which part is wrong.
Result<Url> parse_url(std::string_view text);

}  // namespace countersign::http
