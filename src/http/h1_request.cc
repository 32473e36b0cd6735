// Request heads (RFC 9112 §3): the request line, the forms of the target, Host.

#include "core/ascii.h"
#include "http/char_class.h"
#include "http/h1_codec.h"
#include "http/h1_fields.h"
#include "http/target.h"

namespace countersign::http {
namespace {

using h1::refuse;

// RFC 9112 §3.2.2: "http://authority/path". The authority must be there; a query needs a path
// before it, so that path and query always stand in one piece.
ParseResult split_absolute_form(RequestHead& out) {
  const size_t slashes = out.target.find("://");
  if (slashes == std::string_view::npos) return refuse(400, "http.bad_target");
  const std::string_view scheme = out.target.substr(0, slashes);
  if (!ascii::equal_ignoring_case(scheme, "http") && !ascii::equal_ignoring_case(scheme, "https")) {
    return refuse(400, "http.bad_target");
  }
  const std::string_view rest = out.target.substr(slashes + 3);
  const size_t path = rest.find_first_of("/?");
  out.authority = rest.substr(0, path);
  if (!is_authority(out.authority)) return refuse(400, "http.bad_target");
  if (path == std::string_view::npos) {
    out.origin_form = out.method == "OPTIONS" ? "*" : "/";  // RFC 9112 §3.2.4
  } else if (rest[path] == '?') {
    return refuse(400, "http.bad_target");
  } else {
    out.origin_form = rest.substr(path);
  }
  return h1::go_on();
}

ParseResult split_request_target(RequestHead& out) {
  // RFC 9110 §9.3.6: a tunnel is never what this server is for; its target is an authority.
  if (out.method == "CONNECT") return refuse(501, "http.connect_not_supported");
  if (!is_target_text(out.target)) return refuse(400, "http.bad_target");
  if (out.target.front() == '/') {
    out.origin_form = out.target;
  } else if (out.target == "*") {
    if (out.method != "OPTIONS") return refuse(400, "http.bad_target");
    out.origin_form = out.target;
  } else {
    const ParseResult split = split_absolute_form(out);
    if (split.state == ParseState::refused) return split;
  }
  const SplitTarget parts = split_target(out.origin_form);
  out.path = parts.path;
  out.query = parts.query;
  return h1::go_on();
}

// `line` without its CRLF.
ParseResult parse_request_line(std::string_view line, RequestHead& out) {
  const size_t method_end = chars::skip(line, 0, chars::token);
  if (method_end == 0 || method_end == line.size() || line[method_end] != ' ') {
    return refuse(400, "http.bad_request_line");
  }
  out.method = line.substr(0, method_end);
  const size_t target_start = method_end + 1;
  const size_t target_end = line.find(' ', target_start);
  // Also refuses HTTP/0.9, which has no version, and a second space.
  if (target_end == std::string_view::npos || target_end == target_start) {
    return refuse(400, "http.bad_request_line");
  }
  out.target = line.substr(target_start, target_end - target_start);
  const h1::Version version = h1::parse_version(line.substr(target_end + 1));
  if (version.minor < 0) return refuse(version.status, "http.bad_version");
  out.minor_version = version.minor;
  return split_request_target(out);
}

ParseResult check_host(const h1::FramingFields& seen, RequestHead& out) {
  if (seen.hosts == 0) {
    // RFC 9112 §3.2: HTTP/1.1 must have one.
    return out.minor_version == 1 ? refuse(400, "http.missing_host") : h1::go_on();
  }
  if (!is_authority(seen.host)) return refuse(400, "http.bad_host");
  if (!out.authority.empty() && !ascii::equal_ignoring_case(out.authority, seen.host)) {
    return refuse(400, "http.host_differs_from_target");
  }
  out.authority = seen.host;
  return h1::go_on();
}

ParseResult check_expectations(const h1::FramingFields& seen, RequestHead& out) {
  if (seen.expectations == 0) return h1::go_on();
  if (seen.expectations > 1 || !seen.expects_continue) {
    return refuse(417, "http.unknown_expectation");
  }
  // RFC 9110 §10.1.1: ignored in HTTP/1.0, and pointless without a body.
  out.expect_continue = out.minor_version == 1 && out.framing.kind != BodyFraming::Kind::none;
  return h1::go_on();
}

void clear(RequestHead& out) {
  out.minor_version = 1;
  out.fields.clear();
  out.framing = {};
  out.keep_alive = true;
  out.connection_names_fields = false;
  out.method = out.target = out.origin_form = out.path = out.query = out.authority = {};
  out.expect_continue = false;
  out.upgrade = false;
}

// Finds the request line's end. complete: `consumed` is the index behind its CRLF.
ParseResult find_line_end(std::string_view buffer, size_t start, size_t line_bytes_max) {
  const std::string_view text = buffer.substr(0, start + line_bytes_max + 2);
  const size_t stop = chars::skip_field_value(text, start);
  if (stop - start > line_bytes_max) return refuse(414, "http.request_line_too_long");
  if (stop == text.size()) return h1::incomplete();
  if (text[stop] == '\n') return refuse(400, "http.bad_line_end");
  if (text[stop] != '\r') return refuse(400, "http.bad_request_line");
  if (stop + 1 == text.size()) return h1::incomplete();
  if (text[stop + 1] != '\n') return refuse(400, "http.bad_line_end");
  return h1::complete(stop + 2);
}

}  // namespace

ParseResult parse_request_head(std::string_view buffer, const HeadLimits& limits,
                               RequestHead& out) {
  clear(out);
  if (buffer == "\r") return h1::incomplete();
  const size_t start = buffer.starts_with("\r\n") ? 2 : 0;
  const ParseResult line = find_line_end(buffer, start, limits.line_bytes_max);
  if (line.state == ParseState::refused) return line;
  if (line.state == ParseState::incomplete) {
    return buffer.size() >= limits.head_bytes_max ? refuse(431, "http.head_too_large") : line;
  }
  const ParseResult first =
      parse_request_line(buffer.substr(start, line.consumed - start - 2), out);
  if (first.state == ParseState::refused) return first;

  h1::FramingFields seen;
  const ParseResult fields = h1::parse_fields(buffer, line.consumed, limits, out, seen);
  if (fields.state != ParseState::complete) return fields;
  for (const ParseResult& check :
       {check_host(seen, out), h1::decide_framing(seen, out), check_expectations(seen, out)}) {
    if (check.state == ParseState::refused) return check;
  }
  // RFC 9110 §7.8: a server ignores Upgrade in HTTP/1.0, and one that the Connection field does not
  // name.
  out.upgrade = seen.upgrades > 0 && seen.option_upgrade && out.minor_version == 1;
  return fields;
}

}  // namespace countersign::http
