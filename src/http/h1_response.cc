// Response heads (RFC 9112 §4) and how long their bodies are (§6.3).

#include "core/ascii.h"
#include "http/char_class.h"
#include "http/h1_codec.h"
#include "http/h1_fields.h"

namespace countersign::http {
namespace {

using h1::refuse;

// "HTTP/1.1 200 OK": exactly one space on either side of the status, the second one also before an
// empty reason.
ParseResult parse_status_line(std::string_view line, ResponseHead& out) {
  if (line.size() < 13 || line[8] != ' ' || line[12] != ' ')
    return refuse(400, "http.bad_status_line");
  const h1::Version version = h1::parse_version(line.substr(0, 8));
  if (version.minor < 0) return refuse(400, "http.bad_version");
  out.minor_version = version.minor;
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (!ascii::is_digit(c)) return refuse(400, "http.bad_status");
    status = status * 10 + (c - '0');
  }
  if (status < 100 || status > 599) return refuse(400, "http.bad_status");
  out.status = status;
  out.reason = line.substr(13);
  return h1::go_on();
}

ParseResult decide_body(const h1::FramingFields& seen, std::string_view request_method,
                        ResponseHead& out) {
  const ParseResult framing = h1::decide_framing(seen, out);
  if (framing.state == ParseState::refused) return framing;
  const bool no_content = out.status < 200 || out.status == 204;
  // RFC 9110 §8.6, RFC 9112 §6.1: neither field may stand there. A length of zero does no harm and
  // is common.
  if (no_content && out.framing.kind != BodyFraming::Kind::none) {
    return refuse(400, "http.body_without_content");
  }
  const bool no_body = no_content || out.status == 304;
  if (!no_body && seen.content_lengths == 0 && seen.transfer_encodings == 0) {
    out.framing.kind = BodyFraming::Kind::until_close;
  }
  out.announced = out.framing;
  if (no_body || request_method == "HEAD") out.framing = {};
  if (out.framing.kind == BodyFraming::Kind::until_close) out.keep_alive = false;
  return h1::go_on();
}

void clear(ResponseHead& out) {
  out.minor_version = 1;
  out.fields.clear();
  out.framing = {};
  out.keep_alive = true;
  out.connection_names_fields = false;
  out.status = 0;
  out.announced = {};
  out.reason = {};
}

// Finds the status line's end. complete: `consumed` is the index behind its CRLF.
ParseResult find_line_end(std::string_view buffer, const HeadLimits& limits) {
  const std::string_view text = buffer.substr(0, limits.line_bytes_max + 2);
  // What cannot become a status line any more is refused before it ends.
  constexpr std::string_view begin = "HTTP/";
  if (text.substr(0, begin.size()) != begin.substr(0, text.size())) {
    return refuse(400, "http.bad_status_line");
  }
  const size_t stop = chars::skip_field_value(text, 0);
  if (stop > limits.line_bytes_max) return refuse(431, "http.status_line_too_long");
  if (stop + 1 >= text.size() && (stop == text.size() || text[stop] == '\r')) {
    return buffer.size() >= limits.head_bytes_max ? refuse(431, "http.head_too_large")
                                                  : h1::incomplete();
  }
  if (text.substr(stop, 2) == "\r\n") return h1::complete(stop + 2);
  const bool line_end = text[stop] == '\r' || text[stop] == '\n';
  return refuse(400, line_end ? "http.bad_line_end" : "http.bad_status_line");
}

}  // namespace

ParseResult parse_response_head(std::string_view buffer, std::string_view request_method,
                                const HeadLimits& limits, ResponseHead& out) {
  clear(out);
  const ParseResult line = find_line_end(buffer, limits);
  if (line.state != ParseState::complete) return line;
  const ParseResult first = parse_status_line(buffer.substr(0, line.consumed - 2), out);
  if (first.state == ParseState::refused) return first;

  h1::FramingFields seen;
  const ParseResult fields = h1::parse_fields(buffer, line.consumed, limits, out, seen);
  if (fields.state != ParseState::complete) return fields;
  const ParseResult body = decide_body(seen, request_method, out);
  return body.state == ParseState::refused ? body : fields;
}

}  // namespace countersign::http
