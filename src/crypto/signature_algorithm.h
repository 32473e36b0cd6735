// The signature algorithms, one row each (RFC 7518 §3.1, RFC 8037 §3.1). Code below the table asks
// a row what it is like; nothing switches on a name. There is no row for `none`, for an HMAC or for
// RSA PKCS #1 v1.5, so a header that names one finds nothing.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace countersign::crypto {

enum class KeyKind { ec_p256, rsa, ed25519 };

struct SignatureAlgorithm {
  std::string_view jose_name;  // "ES256"
  std::string_view http_name;  // RFC 9421 §6.2.2: "ecdsa-p256-sha256"; empty: none
  KeyKind key_kind;
  bool digest_sha256;      // the data is hashed first; false: the algorithm signs the data itself
  size_t signature_bytes;  // exact length; 0: as long as the key's modulus
  size_t
      raw_integer_bytes;  // a signature is two integers of this length (r || s); 0: opaque octets
  int pss_salt_bytes;     // RSASSA-PSS with exactly this salt; 0: not PSS
};

extern const SignatureAlgorithm es256;
extern const SignatureAlgorithm ps256;
extern const SignatureAlgorithm eddsa;

// All rows, in order of preference. A row is identified by its address.
std::span<const SignatureAlgorithm* const> signature_algorithms();

// The row of exactly this name (case matters, RFC 7515 §4.1.1), or null.
const SignatureAlgorithm* find_signature_algorithm(std::string_view jose_name);

// The algorithm that keys of this kind are used with: each kind has one.
const SignatureAlgorithm& algorithm_for(KeyKind kind);

}  // namespace countersign::crypto
