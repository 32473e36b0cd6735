// The character classes of HTTP's and URI's grammars as one table, and the scans over them.
// Internal to http/.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
      table[static_cast<uint8_t>(c)] =
          static_cast<uint8_t>(table[static_cast<uint8_t>(c)] | classes);
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

constexpr bool is(char c, Class wanted) {
  return (table[static_cast<uint8_t>(c)] & wanted) != 0;
}

constexpr bool all(std::string_view text, Class wanted) {
  for (const char c : text) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

// The index of the first byte at or behind `from` that is not of the class, or text.size().
// Pointers, because an index would be checked for each byte.
constexpr size_t skip(std::string_view text, size_t from, Class wanted) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin + from;
  while (at != end && is(*at, wanted)) ++at;
  return static_cast<size_t>(at - begin);
}

// The same for field_value, a block at a time without a branch inside, which the compiler turns
// into vector instructions: the longest fields are tokens of a kilobyte and more.
inline size_t skip_field_value(std::string_view text, size_t from) {
  constexpr size_t block = 32;
  const char* const begin = text.data();
  const char* at = begin + from;
  for (const char* const end = begin + text.size(); end - at >= static_cast<ptrdiff_t>(block);
       at += block) {
    unsigned refused = 0;
    for (size_t i = 0; i < block; ++i) {
      const auto byte = static_cast<uint8_t>(at[i]);
      refused |= static_cast<unsigned>(byte < 0x20) & static_cast<unsigned>(byte != '\t');
      refused |= static_cast<unsigned>(byte == 0x7f);
    }
    if (refused != 0) break;
  }
  return skip(text, static_cast<size_t>(at - begin), field_value);
}

constexpr int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char lower = ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace countersign::http::chars
