// Byte strings and their text encodings. Decoders are strict: what an encoder would not have
// written is refused.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace countersign {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// Lower-case hexadecimal. Decoding takes either case; an odd length or another character is
// `bytes.bad_hex`.
std::string encode_hex(ByteView bytes);
Result<Bytes> decode_hex(std::string_view text);

// RFC 4648 §5 without padding. Decoding refuses padding, white space, other alphabets, a length of
// 1 mod 4, and unused bits that are not zero (`bytes.bad_base64url`), so that each value has one
// spelling.
std::string encode_base64url(ByteView bytes);
Result<Bytes> decode_base64url(std::string_view text);

// RFC 4648 §4 with padding, as strict (`bytes.bad_base64`).
std::string encode_base64(ByteView bytes);
Result<Bytes> decode_base64(std::string_view text);

// True if equal. Time depends on the lengths only.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace countersign
