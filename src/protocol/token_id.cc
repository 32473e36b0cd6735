#include "protocol/token_id.h"

#include <algorithm>

#include "core/bytes.h"

namespace countersign::protocol {
namespace {

constexpr size_t time_bytes = 8;
constexpr size_t random_bytes = 16;

}  // namespace

TokenId TokenId::make(WallTime now, Entropy& entropy) {
  if (now < WallTime{}) panic("a token id before 1970");
  TokenId id{.issued_at = now};
  entropy.fill(id.random);
  return id;
}

Result<TokenId> TokenId::parse(std::string_view text) {
  const auto malformed = [] {
    return fail(ErrorKind::invalid_input, "token_id.malformed", "The token id is not one of ours.");
  };
  if (text.size() != token_id_chars) return malformed();
  const auto bytes = decode_base64url(text);
  if (!bytes || bytes->size() != time_bytes + random_bytes) return malformed();
  uint64_t microseconds = 0;
  for (size_t i = 0; i < time_bytes; ++i) microseconds = (microseconds << 8) | (*bytes)[i];
  if (microseconds > static_cast<uint64_t>(INT64_MAX)) return malformed();
  TokenId id{.issued_at = WallTime(std::chrono::microseconds(static_cast<int64_t>(microseconds)))};
  std::copy_n(bytes->begin() + time_bytes, random_bytes, id.random.begin());
  return id;
}

std::string TokenId::to_string() const {
  std::array<uint8_t, time_bytes + random_bytes> bytes;
  auto microseconds = static_cast<uint64_t>(issued_at.time_since_epoch().count());
  for (size_t i = time_bytes; i-- > 0; microseconds >>= 8) {
    bytes[i] = static_cast<uint8_t>(microseconds);
  }
  std::ranges::copy(random, bytes.begin() + time_bytes);
  return encode_base64url(bytes);
}

}  // namespace countersign::protocol
