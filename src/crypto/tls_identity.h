// What a TLS endpoint shows of itself: its certificate chain and private key, as PEM (RFC 7468),
// from PEM files or from PKCS #12 (RFC 7292).
//
// A wider choice of keys than key.h's, which are for JOSE: whoever issues certificates decides
// here. Not for keys in hardware.

#pragma once

#include <memory>
#include <string>

#include "core/bytes.h"
#include "core/result.h"
#include "core/secret.h"

struct evp_pkey_st;

namespace countersign::crypto {

// The key must belong to the first certificate; who uses the identity checks that.
struct TlsIdentity {
  std::string certificate_chain_pem;  // own certificate first, then the intermediates
  Secret private_key_pem;             // not encrypted

  friend bool operator==(const TlsIdentity&, const TlsIdentity&) = default;
};

// A PEM private key as an unencrypted one. `crypto.bad_key`: none in the text, a wrong passphrase,
// or one that is needed and not given (it is never asked for on a terminal).
// `crypto.key_not_supported`: neither P-256, P-384, Ed25519 nor RSA of 2048 to 8192 bits.
Result<Secret> decrypt_private_key(const Secret& pem, const Secret& passphrase);

// The private key of an identity, for TLS. The same errors; an encrypted one is refused.
Result<std::shared_ptr<evp_pkey_st>> parse_tls_key(const Secret& pem);

inline constexpr size_t pkcs12_bytes_max = 256 * 1024;

// Exactly one private key and its certificate; of the other certificates those that lead from it
// upwards, in that order, without the root. `crypto.bad_pkcs12`: not PKCS #12, a wrong passphrase,
// no key or certificate in it, or encrypted by an algorithm that is no longer safe (RC2 and 3DES of
// old exports: export it anew with AES). `crypto.too_large`. The key is not checked against the
// certificate by more than the file's own marks.
Result<TlsIdentity> parse_pkcs12(ByteView der, const Secret& passphrase);

}  // namespace countersign::crypto
