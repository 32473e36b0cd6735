// Signed text in compact form: header.payload.signature (RFC 7515 §7.1). One signature, no detached
// payload, no encryption: what has other than two dots is not looked at.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "crypto/key.h"
#include "jose/jwk.h"

namespace countersign::jose {

struct JwsHeader {
  const crypto::SignatureAlgorithm* algorithm = nullptr;
  std::string kid;  // empty: none
  std::string typ;  // as written; empty: none
};

struct JwsRules {
  // Which algorithms may appear; empty allows none. A row that is not in crypto's table cannot be
  // named at all.
  std::vector<const crypto::SignatureAlgorithm*> algorithms;
  // Checked before anything is decoded. Access tokens with a few scopes are below 2 KiB.
  size_t bytes_max = 16 * 1024;
};

// A signature that holds. Only verify_jws makes one.
class VerifiedJws final {
 public:
  const JwsHeader& header() const { return header_; }
  ByteView payload() const { return payload_; }

 private:
  friend class JwsVerification;
  VerifiedJws(JwsHeader header, Bytes payload)
      : header_(std::move(header)), payload_(std::move(payload)) {}
  JwsHeader header_;
  Bytes payload_;
};

// Verifies with the key that header's kid and alg name in `keys`. The key never comes from the
// header: `jwk`, `jku`, `x5c`, `x5u` there are refused, as are `crit` and `b64`. Codes, in the
// order of the checks: `jose.too_large`, `jose.malformed`, `jose.bad_header`,
// `jose.header_refused`, `jose.alg_not_allowed`, `jose.key_unknown`, `jose.bad_signature`. Fails
// closed. Does NOT look into the payload.
Result<VerifiedJws> verify_jws(std::string_view compact, const JwkSet& keys, const JwsRules& rules);
// With one known key; kid is not compared. `jose.key_unknown` if header's alg is not the key's.
Result<VerifiedJws> verify_jws(std::string_view compact, const crypto::PublicKey& key,
                               const JwsRules& rules);

// The encoded header of sign_jws with the dot behind it, for whoever signs often with one key.
std::string encode_header(const crypto::SignatureAlgorithm& algorithm, std::string_view kid,
                          std::string_view typ);

// Signs with the key's own algorithm. kid and typ are left out if empty.
Result<std::string> sign_jws(ByteView payload, const crypto::PrivateKey& key, std::string_view kid,
                             std::string_view typ);

}  // namespace countersign::jose
