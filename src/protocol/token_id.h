// The `jti` of tokens of our issuer: when the token was issued, to the microsecond, and 128 random
// bits.
//
//   base64url( 8 bytes: microseconds since 1970, big endian || 16 random bytes )     32 characters
//
// RFC 7519 §4.1.6 leaves the form of `jti` to the issuer; RFC 9068 §2.2 requires the claim. `iat`
// counts in seconds in practice; a cut-off ("nothing issued at or before T is valid") must tell
// apart the token taken just before a revocation from the one taken just after it, so the gateway
// reads the issue time from here.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"

namespace countersign::protocol {

inline constexpr size_t token_id_chars = 32;

struct TokenId {
  WallTime issued_at;
  std::array<uint8_t, 16> random{};

  // Draws the random part. `now` is not before 1970.
  static TokenId make(WallTime now, Entropy& entropy);
  // Strict: exactly what to_string() writes (`token_id.malformed`).
  static Result<TokenId> parse(std::string_view text);

  std::string to_string() const;

  friend bool operator==(const TokenId&, const TokenId&) = default;
};

}  // namespace countersign::protocol
