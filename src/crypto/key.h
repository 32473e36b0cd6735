// Keys for signatures: P-256, RSA and Ed25519. Parsed and checked once, then cheap to copy (shared)
// and safe to use from many threads.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/digest.h"
#include "crypto/signature_algorithm.h"

struct evp_pkey_st;

namespace countersign::crypto {

inline constexpr int rsa_bits_min = 2048;
// A signature check costs with the square of the modulus: an oversized key in a key set or
// certificate must not burn the verifier's time.
inline constexpr int rsa_bits_max = 8192;

// The numbers that a JWK writes (RFC 7518 §6, RFC 8037 §2), big-endian.
struct PublicKeyComponents {
  KeyKind kind = KeyKind::ec_p256;
  Bytes x, y;               // ec_p256: 32 bytes each; ed25519: x only, 32 bytes
  Bytes modulus, exponent;  // rsa: without leading zeros
};

class PublicKey final {
 public:
  // "-----BEGIN PUBLIC KEY-----". `crypto.bad_key` if it is not one, `crypto.key_not_supported` for
  // another kind, another curve, RSA outside [rsa_bits_min, rsa_bits_max], or an exponent that is
  // even, below 3 or above 2^32.
  static Result<PublicKey> from_pem(std::string_view pem);
  // DER of a SubjectPublicKeyInfo (RFC 5280 §4.1), the same checks.
  static Result<PublicKey> from_spki(ByteView der);
  // From a JWK's numbers, the same checks: an EC point must be on the curve; lengths must be exact.
  static Result<PublicKey> from_components(const PublicKeyComponents& components);

  KeyKind kind() const;
  // The algorithm of this key's kind.
  const SignatureAlgorithm& algorithm() const { return algorithm_for(kind()); }

  // Success only if `signature`, in JOSE's form (ES256: r || s, RFC 7518 §3.4), is `data`'s under
  // this key and algorithm. `crypto.algorithm_mismatch` if the algorithm is not this key's;
  // otherwise `crypto.bad_signature`, whatever the cause. Fails closed. Thread-safe.
  Result<void> verify(const SignatureAlgorithm& algorithm, ByteView data, ByteView signature) const;

  PublicKeyComponents components() const;
  // SHA-256 over the DER SubjectPublicKeyInfo, as pins use it (RFC 7469 §2.4).
  const Sha256Digest& spki_sha256() const;
  std::string to_pem() const;

  // Shared with this object; not to be freed or changed.
  evp_pkey_st* native() const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.spki_sha256() == b.spki_sha256();
  }

 private:
  friend class PrivateKey;
  struct State;
  explicit PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  static Result<PublicKey> adopt(std::shared_ptr<evp_pkey_st> key);
  std::shared_ptr<const State> state_;
};

class PrivateKey final {
 public:
  // PKCS #8, EC or RSA PEM; `passphrase` for an encrypted one. A passphrase is never asked for on a
  // terminal: `crypto.bad_key` if it is needed and empty, or wrong. The same limits as for public
  // keys, and the two halves must fit.
  static Result<PrivateKey> from_pem(const Secret& pem, const Secret& passphrase = {});
  // Of this algorithm's kind (RSA: 3072 bits), from OpenSSL's own DRBG, which the kernel seeds.
  static Result<PrivateKey> generate(const SignatureAlgorithm& algorithm);

  // PKCS #8, not encrypted: for a file with mode 0600.
  Secret to_pem() const;

  const SignatureAlgorithm& algorithm() const { return public_key_.algorithm(); }
  const PublicKey& public_key() const { return public_key_; }

  // A signature with algorithm(), in JOSE's form. Fails only if OpenSSL does. Thread-safe.
  Result<Bytes> sign(ByteView data) const;

  // Shared with this object; not to be freed or changed.
  evp_pkey_st* native() const;

 private:
  struct State;
  PrivateKey(std::shared_ptr<const State> state, PublicKey public_key)
      : state_(std::move(state)), public_key_(std::move(public_key)) {}
  static Result<PrivateKey> adopt(std::shared_ptr<evp_pkey_st> pair);
  std::shared_ptr<const State> state_;
  PublicKey public_key_;  // holds the public half only
};

}  // namespace countersign::crypto
