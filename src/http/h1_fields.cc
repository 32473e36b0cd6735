#include "http/h1_fields.h"

#include <charconv>

#include "core/ascii.h"
#include "http/char_class.h"

namespace countersign::http::h1 {
namespace {

using ascii::equal_ignoring_case;

// RFC 9110 §8.6: 1*DIGIT. One spelling per number: no leading zeros.
bool parse_content_length(std::string_view text, uint64_t& length) {
  if (text.empty() || text.size() > 19 || (text.size() > 1 && text.front() == '0')) return false;
  for (const char c : text) {
    if (!ascii::is_digit(c)) return false;
  }
  std::from_chars(text.data(), text.data() + text.size(), length);  // 19 digits fit
  return length <= INT64_MAX;
}

// "gzip, chunked" is well formed but nothing this side can take off (RFC 9112 §6.1: 501); anything
// else that is not exactly "chunked" is malformed or ambiguous.
bool names_other_coding_before_chunked(std::string_view value) {
  const size_t comma = value.rfind(',');
  if (comma == std::string_view::npos) return false;
  const std::string_view first = ascii::trim(value.substr(0, comma));
  return is_token(first) && !equal_ignoring_case(first, "chunked") &&
         !equal_ignoring_case(first, "identity") &&
         equal_ignoring_case(ascii::trim(value.substr(comma + 1)), "chunked");
}

// Options that would take away what the message means to everyone behind us (RFC 9110 §7.6.1
// forbids to send them).
bool is_end_to_end_by_nature(std::string_view option) {
  switch (option.size()) {
    case 4:
      return equal_ignoring_case(option, "host");
    case 12:
      return equal_ignoring_case(option, "content-type");
    case 13:
      return equal_ignoring_case(option, "authorization");
    case 14:
      return equal_ignoring_case(option, "content-length");
    case 17:
      return equal_ignoring_case(option, "transfer-encoding");
    default:
      return false;
  }
}

bool parse_connection(std::string_view value, Head& head, FramingFields& seen) {
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view option = ascii::trim(value.substr(0, comma));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    if (option.empty()) continue;  // RFC 9110 §5.6.1.2: empty list members are passed over
    if (equal_ignoring_case(option, "close")) {
      seen.option_close = true;
    } else if (equal_ignoring_case(option, "keep-alive")) {
      seen.option_keep_alive = true;
    } else if (equal_ignoring_case(option, "upgrade")) {
      seen.option_upgrade = true;
    } else if (is_token(option) && !is_end_to_end_by_nature(option)) {
      head.connection_names_fields = true;
    } else {
      return false;
    }
  }
  return true;
}

ParseResult note_transfer_encoding(std::string_view value, FramingFields& seen) {
  if (++seen.transfer_encodings > 1) return refuse(400, "http.repeated_transfer_encoding");
  if (equal_ignoring_case(value, "chunked")) return go_on();
  if (names_other_coding_before_chunked(value)) {
    return refuse(501, "http.unsupported_transfer_encoding");
  }
  return refuse(400, "http.bad_transfer_encoding");
}

ParseResult note_content_length(std::string_view value, FramingFields& seen) {
  if (++seen.content_lengths > 1) return refuse(400, "http.repeated_content_length");
  if (parse_content_length(value, seen.content_length)) return go_on();
  return refuse(400, "http.bad_content_length");
}

// Looks at the few fields that matter to the codec; told apart by length first.
ParseResult note_field(const Field& field, Head& head, FramingFields& seen) {
  switch (field.name.size()) {
    case 4:
      if (!equal_ignoring_case(field.name, "host")) break;
      seen.host = field.value;
      if (++seen.hosts > 1) return refuse(400, "http.repeated_host");
      break;
    case 6:
      if (!equal_ignoring_case(field.name, "expect")) break;
      ++seen.expectations;
      seen.expects_continue = equal_ignoring_case(field.value, "100-continue");
      break;
    case 7:
      if (equal_ignoring_case(field.name, "upgrade")) ++seen.upgrades;
      break;
    case 10:
      if (!equal_ignoring_case(field.name, "connection")) break;
      if (!parse_connection(field.value, head, seen)) return refuse(400, "http.bad_connection");
      break;
    case 14:
      if (equal_ignoring_case(field.name, "content-length")) {
        return note_content_length(field.value, seen);
      }
      break;
    case 17:
      if (equal_ignoring_case(field.name, "transfer-encoding")) {
        return note_transfer_encoding(field.value, seen);
      }
      break;
    default:
      break;
  }
  return go_on();
}

// What a name that stops before its colon means.
ParseResult refuse_name(std::string_view buffer, size_t start, size_t stop) {
  const char c = buffer[stop];
  if (stop == start && (c == ' ' || c == '\t')) return refuse(400, "http.line_folding");
  if (c == ' ' || c == '\t') return refuse(400, "http.space_before_colon");
  if (c == '\n' || c == '\r') return refuse(400, "http.bad_line_end");
  return refuse(400, "http.bad_field_name");
}

// The line end at `at`: 2 for CRLF, 0 if more bytes are needed, -1 if it is none.
int line_end(std::string_view buffer, size_t at) {
  if (at >= buffer.size()) return 0;
  if (buffer[at] != '\r') return -1;
  if (at + 1 >= buffer.size()) return 0;
  return buffer[at + 1] == '\n' ? 2 : -1;
}

// One field line at `at`, which is moved behind it. `incomplete` with `at` unmoved: more bytes are
// needed.
ParseResult parse_field_line(std::string_view buffer, size_t& at, Field& field) {
  const size_t colon = chars::skip(buffer, at, chars::token);
  if (colon == buffer.size()) return incomplete();
  if (buffer[colon] != ':' || colon == at) return refuse_name(buffer, at, colon);
  const size_t stop = chars::skip_field_value(buffer, colon + 1);
  const int end = line_end(buffer, stop);
  if (end < 0) {
    const char c = buffer[stop];
    return refuse(400, c == '\r' || c == '\n' ? "http.bad_line_end" : "http.bad_field_value");
  }
  if (end == 0) return incomplete();
  field.name = buffer.substr(at, colon - at);
  field.value = ascii::trim(buffer.substr(colon + 1, stop - colon - 1));
  at = stop + 2;
  return go_on();
}

}  // namespace

Version parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return {1, 0};
  if (text == "HTTP/1.0") return {0, 0};
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") &&
                           ascii::is_digit(text[5]) && text[6] == '.' && ascii::is_digit(text[7]);
  return {-1, well_formed ? 505 : 400};
}

ParseResult parse_fields(std::string_view buffer, size_t from, const HeadLimits& limits, Head& head,
                         FramingFields& seen) {
  // Bytes behind the limit are not looked at: what does not end before it is too large.
  const bool over = buffer.size() >= limits.head_bytes_max;
  const std::string_view text = buffer.substr(0, limits.head_bytes_max);
  const ParseResult unfinished = over ? refuse(431, "http.head_too_large") : incomplete();
  for (size_t at = from;;) {
    const int end = line_end(text, at);
    if (end == 2) return complete(at + 2);
    if (end == 0) return unfinished;
    if (text[at] == '\r') return refuse(400, "http.bad_line_end");
    Field field;
    const size_t start = at;
    const ParseResult line = parse_field_line(text, at, field);
    if (line.state == ParseState::refused) return line;
    if (at == start) return unfinished;
    if (head.fields.size() >= limits.fields_max) return refuse(431, "http.too_many_fields");
    head.fields.push_back(field);
    const ParseResult noted = note_field(field, head, seen);
    if (noted.state == ParseState::refused) return noted;
  }
}

ParseResult decide_framing(const FramingFields& seen, Head& head) {
  head.keep_alive = !seen.option_close && (head.minor_version == 1 || seen.option_keep_alive);
  head.framing = {};
  if (seen.transfer_encodings > 0) {
    if (seen.content_lengths > 0) return refuse(400, "http.content_length_and_transfer_encoding");
    // RFC 9112 §6.1: in HTTP/1.0 the framing is faulty, whatever the field says.
    if (head.minor_version == 0) return refuse(400, "http.transfer_encoding_in_1_0");
    head.framing = {BodyFraming::Kind::chunked, 0};
  } else if (seen.content_lengths > 0) {
    head.framing = BodyFraming::of_length(seen.content_length);
  }
  return go_on();
}

}  // namespace countersign::http::h1
