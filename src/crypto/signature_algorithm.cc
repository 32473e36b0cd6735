#include "crypto/signature_algorithm.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace countersign::crypto {

constinit const SignatureAlgorithm es256{.jose_name = "ES256",
                                         .http_name = "ecdsa-p256-sha256",
                                         .key_kind = KeyKind::ec_p256,
                                         .digest_sha256 = true,
                                         .signature_bytes = 64,
                                         .raw_integer_bytes = 32,
                                         .pss_salt_bytes = 0};

// RFC 7518 §3.5: the salt is as long as the hash. RFC 9421's own RSA-PSS is with SHA-512, so this
// row has no name there.
constinit const SignatureAlgorithm ps256{.jose_name = "PS256",
                                         .http_name = "",
                                         .key_kind = KeyKind::rsa,
                                         .digest_sha256 = true,
                                         .signature_bytes = 0,
                                         .raw_integer_bytes = 0,
                                         .pss_salt_bytes = 32};

constinit const SignatureAlgorithm eddsa{.jose_name = "EdDSA",
                                         .http_name = "ed25519",
                                         .key_kind = KeyKind::ed25519,
                                         .digest_sha256 = false,
                                         .signature_bytes = 64,
                                         .raw_integer_bytes = 0,
                                         .pss_salt_bytes = 0};

namespace {
constexpr std::array<const SignatureAlgorithm*, 3> rows = {&es256, &ps256, &eddsa};
}

std::span<const SignatureAlgorithm* const> signature_algorithms() {
  return rows;
}

const SignatureAlgorithm* find_signature_algorithm(std::string_view jose_name) {
  const auto* const row =
      std::ranges::find(rows, jose_name, [](const SignatureAlgorithm* r) { return r->jose_name; });
  return row == rows.end() ? nullptr : *row;
}

const SignatureAlgorithm& algorithm_for(KeyKind kind) {
  for (const SignatureAlgorithm* row : rows) {
    if (row->key_kind == kind) return *row;
  }
  panic("a KeyKind without a signature algorithm");
}

}  // namespace countersign::crypto
