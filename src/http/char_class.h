// The character classes of HTTP's and URI's grammars as one table, and a scan for the end of a field value that takes
// eight bytes at a time. Internal to http/.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/ascii.h"

namespace countersign::http::chars {

enum Class : uint8_t {
  token = 1,         // RFC 9110 §5.6.2 tchar
  field_value = 2,   // VCHAR, obs-text, SP, HTAB (RFC 9110 §5.5)
  target = 4,        // may stand in a path: RFC 3986 pchar and '/', '%' apart
  unreserved = 8,    // RFC 3986 §2.3
  host_name = 16,    // letters, digits, '-', '.', '_'
  token68 = 32,      // RFC 9110 §11.2, '=' apart
  quoted_text = 64,  // RFC 9110 §5.6.4 qdtext
  hex_digit = 128,
};

consteval std::array<uint8_t, 256> make_table() {
  std::array<uint8_t, 256> table{};
  const auto add = [&](std::string_view characters, int classes) {
    for (const char c : characters) {
      table[static_cast<uint8_t>(c)] = static_cast<uint8_t>(table[static_cast<uint8_t>(c)] | classes);
    }
  };
  for (size_t c = 0; c < 256; ++c) {
    const bool visible_or_space = (c >= 0x20 && c != 0x7f) || c == '\t';
    if (visible_or_space) table[c] = field_value;
    if (visible_or_space && c != '"' && c != '\\') {
      table[c] = static_cast<uint8_t>(table[c] | quoted_text);
    }
  }
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view digits = "0123456789";
  add(letters, token | target | unreserved | host_name | token68);
  add(digits, token | target | unreserved | host_name | token68 | hex_digit);
  add("abcdefABCDEF", hex_digit);
  add("!#$%&'*+-.^_`|~", token);
  add("-._~", target | unreserved);
  add("!$&'()*+,;=:@/?", target);
  add("-._", host_name);
  add("-._~+/", token68);
  return table;
}
inline constexpr std::array<uint8_t, 256> table = make_table();

constexpr bool is(char c, Class wanted) { return (table[static_cast<uint8_t>(c)] & wanted) != 0; }

constexpr bool all(std::string_view text, Class wanted) {
  for (const char c : text) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

// The index of the first byte at or behind `from` that is not of the class, or text.size().
constexpr size_t skip(std::string_view text, size_t from, Class wanted) {
  while (from < text.size() && is(text[from], wanted)) ++from;
  return from;
}

// The same for field_value, eight bytes at a time: the longest fields are tokens of a kilobyte and more.
inline size_t skip_field_value(std::string_view text, size_t from) {
  constexpr uint64_t ones = 0x0101010101010101;
  constexpr uint64_t highs = 0x8080808080808080;
  while (from + 8 <= text.size()) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + from, 8);
    // A byte below 0x20 or equal to 0x7f raises its high bit; a borrow may raise others behind it, never hide one.
    const uint64_t controls = (word - ones * 0x20) & ~word;
    const uint64_t no_delete = word ^ (ones * 0x7f);
    const uint64_t deletes = (no_delete - ones) & ~no_delete;
    if (((controls | deletes) & highs) != 0) {
      const size_t stop = skip(text, from, field_value);
      if (stop < from + 8) return stop;
      from += 8;  // a tab
      continue;
    }
    from += 8;
  }
  return skip(text, from, field_value);
}

constexpr int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char lower = ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace countersign::http::chars
