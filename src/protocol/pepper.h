// Peppers: the secret input of all MACs that are stored in place of keys and secrets. Held in a
// file outside the store, so that a stolen database alone verifies nothing.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/digest.h"

namespace countersign::protocol {

using KeyMac = crypto::Sha256Digest;

class Pepper final {
 public:
  static constexpr size_t bytes_min = 32;

  // `version` >= 1 is recorded beside each MAC, so that peppers can be replaced.
  // `pepper.too_short`, `pepper.bad_version`.
  static Result<Pepper> create(uint32_t version, const Secret& bytes);

  uint32_t version() const { return version_; }
  const crypto::HmacKey& key() const { return *key_; }

 private:
  Pepper(uint32_t version, std::shared_ptr<const crypto::HmacKey> key);
  uint32_t version_;
  std::shared_ptr<const crypto::HmacKey> key_;
};

// The peppers in use: the newest makes new MACs, the others still verify old ones.
class Peppers final {
 public:
  explicit Peppers(Pepper only);
  // From a pepper file: one line each, "<version> <base64url of at least 32 bytes>"; empty lines
  // and lines that begin with '#' are passed over; the highest version is the newest.
  // `pepper.malformed`, `pepper.too_short`, `pepper.bad_version` (0, or given twice),
  // `pepper.none`.
  static Result<Peppers> parse(const Secret& file);
  // A line for such a file, with 32 fresh bytes and its line end.
  static Secret new_line(uint32_t version, Entropy& entropy);

  const Pepper& newest() const;
  // Null if this version is not configured: then the MAC cannot be verified and the credential is
  // refused.
  const Pepper* find(int64_t version) const;

 private:
  Peppers() = default;
  std::map<uint32_t, Pepper> by_version_;
};

}  // namespace countersign::protocol
