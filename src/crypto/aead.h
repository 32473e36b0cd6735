// Authenticated encryption of what is stored: AES-256-GCM (NIST SP 800-38D) with associated data.
// Not for streams.
//
// A sealed text is nonce (12 bytes) || ciphertext || tag (16 bytes). Nonces are random, so a key
// may seal at most 2^32 texts; token stores change their key long before.

#pragma once

#include <cstddef>

#include "core/bytes.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"

namespace countersign::crypto {

class AeadKey final {
 public:
  static constexpr size_t key_bytes = 32;
  static constexpr size_t nonce_bytes = 12;
  static constexpr size_t tag_bytes = 16;
  static constexpr size_t overhead_bytes = nonce_bytes + tag_bytes;
  // Far above any token or key; bounds what one call costs.
  static constexpr size_t plaintext_bytes_max = size_t{16} * 1024 * 1024;

  // Exactly key_bytes long, or `crypto.bad_key_length`.
  static Result<AeadKey> create(Secret key);

  // `crypto.too_large` above plaintext_bytes_max. Thread-safe if `entropy` is.
  Result<Bytes> seal(ByteView plaintext, ByteView associated_data, Entropy& entropy) const;

  // The plaintext, only if key, associated data and every byte are those of seal(); otherwise
  // `crypto.not_authentic`, whatever the cause. Fails closed. Thread-safe.
  Result<Secret> open(ByteView sealed, ByteView associated_data) const;

 private:
  explicit AeadKey(Secret key) : key_(std::move(key)) {}
  Secret key_;
};

}  // namespace countersign::crypto
