// Confirmation: what the presenter of a token must prove (the `cnf` claim, RFC 7800, RFC 8705
// §3.1). Every member is enforced; a member that this program does not know is a refusal, never
// passed over, because a binding that is ignored is none.

#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "crypto/digest.h"
#include "jose/jwt.h"
#include "protocol/reason.h"

namespace countersign::protocol {

// RFC 8705 §3.1: the member's name.
inline constexpr std::string_view certificate_member = "x5t#S256";

struct Confirmation {
  std::optional<crypto::Sha256Digest>
      certificate;  // the thumbprint that the connection's must equal

  bool empty() const { return !certificate.has_value(); }
  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// The member to put into a token's `cnf`.
// RFC 8705 §3.1: base64url of the SHA-256 digest over the certificate's DER.
jose::Confirmation certificate_confirmation(const crypto::Sha256Digest& thumbprint);

// From a verified token's members. Denied with binding_unknown (a member that is not known here) or
// token_malformed (a known one twice, not a string, or not 32 bytes of base64url). No members: a
// Confirmation that is empty(). Fails closed.
Verdict<Confirmation> read_confirmation(std::span<const jose::Confirmation> members);

// Whether what the TLS connection proved satisfies it. `presented` is null without a client
// certificate: certificate_missing; another certificate is certificate_mismatch. An empty
// Confirmation holds for anybody: whether that is enough is the caller's to decide. Fails closed.
Verdict<> check_confirmation(const Confirmation& confirmation,
                             const crypto::Sha256Digest* presented);

}  // namespace countersign::protocol
