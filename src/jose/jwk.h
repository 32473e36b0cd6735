// Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2) and their thumbprints (RFC 7638). Only
// what our signature algorithms use: P-256, RSA, Ed25519. Private and symmetric keys are refused:
// they have no business in a key set.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "crypto/key.h"
#include "crypto/signature_algorithm.h"

namespace countersign::jose {

struct Jwk {
  crypto::PublicKey key;
  std::string kid;  // empty: none

  const crypto::SignatureAlgorithm& algorithm() const { return key.algorithm(); }
};

inline constexpr size_t jwk_bytes_max = 8 * 1024;
inline constexpr size_t jwk_set_bytes_max = 64 * 1024;
inline constexpr size_t jwk_set_keys_max = 32;
inline constexpr size_t kid_bytes_max = 256;

// One key. `jose.bad_jwk` for a malformed one or one with private members; `jose.key_not_supported`
// for another kty, curve, use or alg; and crypto's codes for a key that is not sound. Fails closed.
Result<Jwk> parse_jwk(std::string_view json);

// Members in lexicographic order, with alg and use; kid if there is one.
std::string to_json(const Jwk& jwk);

// RFC 7638 §3: base64url of SHA-256 over the required members.
std::string thumbprint(const crypto::PublicKey& key);

class JwkSet final {
 public:
  JwkSet() = default;

  // `jose.bad_jwk_set`. RFC 7517 §5: keys of a kind, use or algorithm that we do not have are
  // skipped; a key of ours that is malformed, unsound or private refuses the whole set, as do more
  // than jwk_set_keys_max keys and two keys of one kid and algorithm. Fails closed.
  static Result<JwkSet> parse(std::string_view json);

  // `jose.bad_jwk_set` if the set is full or has a key with this kid and algorithm.
  Result<void> add(Jwk jwk);

  // The key of exactly this kid and algorithm. An empty kid finds a key only if it is the one key
  // of its algorithm: no guessing among several. Null if there is none; the pointer lives as long
  // as the set is not changed.
  const Jwk* find(std::string_view kid, const crypto::SignatureAlgorithm& algorithm) const;

  const std::vector<Jwk>& keys() const { return keys_; }
  std::string to_json() const;

 private:
  std::vector<Jwk> keys_;
};

}  // namespace countersign::jose
