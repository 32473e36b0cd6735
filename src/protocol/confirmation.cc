#include "protocol/confirmation.h"

#include <algorithm>
#include <string>

#include "core/bytes.h"

namespace countersign::protocol {

jose::Confirmation certificate_confirmation(const crypto::Sha256Digest& thumbprint) {
  return {.name = std::string(certificate_member),
          .value = encode_base64url(thumbprint),
          .is_text = true};
}

Verdict<Confirmation> read_confirmation(std::span<const jose::Confirmation> members) {
  Confirmation confirmation;
  for (const jose::Confirmation& member : members) {
    if (member.name != certificate_member) {
      return deny(Reason::binding_unknown, "cnf has a member that is not enforced here");
    }
    if (confirmation.certificate) return deny(Reason::token_malformed, "cnf has a member twice");
    if (!member.is_text) return deny(Reason::token_malformed, "x5t#S256 is not a string");
    const auto bytes = decode_base64url(member.value);
    if (!bytes || bytes->size() != crypto::Sha256Digest().size()) {
      return deny(Reason::token_malformed, "x5t#S256 is not 32 bytes of base64url");
    }
    std::ranges::copy(*bytes, confirmation.certificate.emplace().begin());
  }
  return confirmation;
}

Verdict<> check_confirmation(const Confirmation& confirmation,
                             const crypto::Sha256Digest* presented) {
  if (!confirmation.certificate) return {};
  if (presented == nullptr) return deny(Reason::certificate_missing);
  // RFC 8705 §3: the certificate must be the one that the token is bound to.
  if (!equal_in_constant_time(*confirmation.certificate, *presented)) {
    return deny(Reason::certificate_mismatch);
  }
  return {};
}

}  // namespace countersign::protocol
