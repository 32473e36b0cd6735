#include "http/target.h"

#include <algorithm>

#include "core/ascii.h"
#include "http/char_class.h"
#include "http/utf8.h"

namespace countersign::http {
namespace {

// The byte that the triplet at text[at] stands for, or -1.
int triplet_value(std::string_view text, size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = chars::hex_value(text[at + 1]);
  const int low = chars::hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_control(int byte) {
  return byte < 0x20 || byte == 0x7f;
}

std::unexpected<Error> bad_path(std::string_view code, std::string_view text) {
  return fail(ErrorKind::invalid_input, code, text);
}

// One triplet of a path; its raw bytes at text[at].
Result<char> check_path_triplet(std::string_view text, size_t at) {
  const int byte = triplet_value(text, at);
  if (byte < 0)
    return bad_path("http.path_bad_triplet", "the path holds a '%' without two hexadecimal digits");
  if (is_control(byte))
    return bad_path("http.path_control", "the path holds an encoded control character");
  const char c = static_cast<char>(byte);
  if (c == '/' || c == '\\' || c == '%') {
    return bad_path("http.path_encoded_structure", "the path holds an encoded '/', '\\' or '%'");
  }
  if (c == ';') return bad_path("http.path_parameter", "the path holds a ';'");
  if (chars::is(c, chars::unreserved) || ascii::is_lower(text[at + 1]) ||
      ascii::is_lower(text[at + 2])) {
    return bad_path("http.path_not_minimal",
                    "the path holds a percent-encoding that is not needed or not in upper case");
  }
  return c;
}

// One segment, without its slashes.
Result<void> check_segment(std::string_view segment, bool last) {
  if (segment.empty() && !last)
    return bad_path("http.path_empty_segment", "the path holds an empty segment");
  if (segment == "." || segment == "..") {
    return bad_path("http.path_dot_segment", "the path holds a \".\" or \"..\" segment");
  }
  Utf8Check utf8;
  for (size_t at = 0; at < segment.size(); ++at) {
    const char c = segment[at];
    if (c == ';') return bad_path("http.path_parameter", "the path holds a ';'");
    if (c == '%') {
      CS_TRY(const char byte, check_path_triplet(segment, at));
      if (!utf8.add(static_cast<uint8_t>(byte))) break;
      at += 2;
    } else if (!chars::is(c, chars::target) || c == '?') {
      return bad_path("http.path_bad_character",
                      "the path holds a character that no path may hold");
    } else if (!utf8.add(static_cast<uint8_t>(c))) {
      break;
    }
  }
  if (!utf8.complete())
    return bad_path("http.path_not_utf8", "the path's encoded bytes are not UTF-8");
  return {};
}

std::unexpected<Error> bad_encoding(std::string_view text) {
  return fail(ErrorKind::invalid_input, "http.bad_encoding", text);
}

}  // namespace

SplitTarget split_target(std::string_view target) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

bool is_target_text(std::string_view text) {
  if (text.empty()) return false;
  bool in_query = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (chars::is(c, chars::target)) {
      in_query |= c == '?';
    } else if (c == '%') {
      if (triplet_value(text, at) < 0) return false;
      at += 2;
    } else if (!in_query || (c != '[' && c != ']')) {
      return false;
    }
  }
  return true;
}

Result<CanonicalPath> parse_canonical_path(std::string_view path) {
  if (!path.starts_with('/'))
    return bad_path("http.path_not_absolute", "the path does not begin with '/'");
  for (size_t start = 1;;) {
    const size_t slash = path.find('/', start);
    const bool last = slash == std::string_view::npos;
    CS_CHECK(check_segment(path.substr(start, last ? slash : slash - start), last));
    if (last) return CanonicalPath(path);
    start = slash + 1;
  }
}

Result<std::string> decode_percent(std::string_view text, PlusSign plus) {
  std::string out;
  out.reserve(text.size());
  Utf8Check utf8;
  for (size_t at = 0; at < text.size(); ++at) {
    int byte = static_cast<uint8_t>(text[at]);
    if (byte <= 0x20 || byte >= 0x7f)
      return bad_encoding("an encoded text holds a byte that must be encoded");
    if (byte == '%') {
      byte = triplet_value(text, at);
      if (byte < 0)
        return bad_encoding("an encoded text holds a '%' without two hexadecimal digits");
      if (is_control(byte)) return bad_encoding("an encoded text holds a control character");
      at += 2;
    } else if (byte == '+' && plus == PlusSign::is_space) {
      byte = ' ';
    }
    if (!utf8.add(static_cast<uint8_t>(byte))) return bad_encoding("an encoded text is not UTF-8");
    out += static_cast<char>(byte);
  }
  if (!utf8.complete()) return bad_encoding("an encoded text is not UTF-8");
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (chars::is(c, chars::unreserved)) {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<uint8_t>(c) >> 4];
      out += digits[static_cast<uint8_t>(c) & 15];
    }
  }
}

std::optional<Result<QueryParameter>> QueryReader::next() {
  if (ended_) return std::nullopt;
  const size_t end = rest_.find('&');
  const std::string_view pair = rest_.substr(0, end);
  ended_ = end == std::string_view::npos;
  rest_.remove_prefix(ended_ ? rest_.size() : end + 1);

  const auto decode = [&]() -> Result<QueryParameter> {
    const size_t equals = pair.find('=');
    if (pair.empty() || equals == 0) return bad_encoding("a parameter has no name");
    if (pair.find(';') != std::string_view::npos)
      return bad_encoding("parameters are separated by ';'");
    QueryParameter parameter;
    CS_TRY(parameter.name, decode_percent(pair.substr(0, equals), PlusSign::is_space));
    if (equals != std::string_view::npos) {
      CS_TRY(parameter.value, decode_percent(pair.substr(equals + 1), PlusSign::is_space));
    }
    return parameter;
  };
  Result<QueryParameter> parameter = decode();
  if (!parameter) ended_ = true;
  return parameter;
}

}  // namespace countersign::http
