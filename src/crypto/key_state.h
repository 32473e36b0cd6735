// What a PublicKey or PrivateKey shares among its copies. For key.cc, key_components.cc and
// signature.cc only.

#pragma once

#include "crypto/key.h"
#include "crypto/openssl.h"

namespace countersign::crypto {

// Contexts that are ready to sign or verify: setting one up looks algorithms up by name, copying
// one does not. Null where OpenSSL 3.0 cannot copy (Ed25519); set up per call then. Never changed,
// so that threads may copy at a time.

struct PublicKey::State {
  std::shared_ptr<EVP_PKEY> pkey;
  KeyKind kind = KeyKind::ec_p256;
  size_t signature_bytes = 0;  // what algorithm_for(kind) makes with this key
  Sha256Digest spki_sha256{};
  MdContextPtr verifier;
};

struct PrivateKey::State {
  std::shared_ptr<EVP_PKEY> pkey;
  MdContextPtr signer;
};

// A context that is set up for this key and algorithm, or null. `sign` needs the private half.
MdContextPtr prepare_context(EVP_PKEY* pkey, const SignatureAlgorithm& algorithm, bool sign);

// `signature` as OpenSSL writes it from r || s, and back (RFC 7518 §3.4). Empty if it cannot be.
Bytes der_signature(ByteView raw, size_t integer_bytes);
Bytes raw_signature(ByteView der, size_t integer_bytes);

}  // namespace countersign::crypto
