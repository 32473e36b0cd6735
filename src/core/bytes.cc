#include "core/bytes.h"

#include <array>

namespace countersign {
namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t no_value = 0xff;

consteval std::array<uint8_t, 256> values_of(std::string_view alphabet) {
  std::array<uint8_t, 256> values;
  values.fill(no_value);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  }
  return values;
}
constexpr auto standard_values = values_of(standard_alphabet);
constexpr auto url_values = values_of(url_alphabet);

std::string encode(ByteView bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) text += alphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += alphabet[(bits << (6 - count)) & 63];
  return text;
}

// False on any error. The unused bits of the last character must be zero.
bool decode(std::string_view text, const std::array<uint8_t, 256>& values, Bytes& out) {
  const size_t rest = text.size() % 4;
  if (rest == 1) return false;
  out.resize(text.size() * 3 / 4);
  const auto value_at = [&](size_t at) { return uint32_t{values[static_cast<uint8_t>(text[at])]}; };
  uint32_t seen = 0;  // has a high bit once one of the values is no_value
  size_t in = 0;
  size_t at = 0;
  for (; in + 4 <= text.size(); in += 4) {
    const uint32_t a = value_at(in), b = value_at(in + 1), c = value_at(in + 2),
                   d = value_at(in + 3);
    seen |= a | b | c | d;
    const uint32_t bits = (a << 18) | (b << 12) | (c << 6) | d;
    out[at++] = static_cast<uint8_t>(bits >> 16);
    out[at++] = static_cast<uint8_t>(bits >> 8);
    out[at++] = static_cast<uint8_t>(bits);
  }
  uint32_t unused = 0;
  if (rest != 0) {
    const uint32_t a = value_at(in), b = value_at(in + 1), c = rest == 3 ? value_at(in + 2) : 0;
    seen |= a | b | c;
    const uint32_t bits = (a << 18) | (b << 12) | (c << 6);
    out[at++] = static_cast<uint8_t>(bits >> 16);
    if (rest == 3) out[at++] = static_cast<uint8_t>(bits >> 8);
    unused = bits & (rest == 3 ? 0xffu : 0xffffu);
  }
  return seen < 64 && unused == 0;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string encode_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Result<Bytes> decode_hex(std::string_view text) {
  const auto refused = [] {
    return fail(ErrorKind::invalid_input, "bytes.bad_hex",
                "expected an even number of hexadecimal digits");
  };
  if (text.size() % 2 != 0) return refused();
  Bytes out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return refused();
    out.push_back(static_cast<uint8_t>(high * 16 + low));
  }
  return out;
}

std::string encode_base64url(ByteView bytes) {
  return encode(bytes, url_alphabet);
}

Result<Bytes> decode_base64url(std::string_view text) {
  Bytes out;
  if (!decode(text, url_values, out)) {
    return fail(ErrorKind::invalid_input, "bytes.bad_base64url",
                "expected base64url without padding");
  }
  return out;
}

std::string encode_base64(ByteView bytes) {
  std::string text = encode(bytes, standard_alphabet);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

Result<Bytes> decode_base64(std::string_view text) {
  const auto refused = [] {
    return fail(ErrorKind::invalid_input, "bytes.bad_base64", "expected base64 with padding");
  };
  if (text.size() % 4 != 0) return refused();
  std::string_view body = text;
  for (int padding = 0; padding < 2 && body.ends_with('='); ++padding) body.remove_suffix(1);
  Bytes out;
  if (!decode(body, standard_values, out)) return refused();
  return out;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace countersign
