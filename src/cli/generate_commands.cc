#include "cli/generate_commands.h"

#include <cstdio>

#include "core/entropy.h"
#include "crypto/key.h"
#include "crypto/signature_algorithm.h"
#include "protocol/pepper.h"
#include "store/sealing_keys.h"

namespace countersign::cli {
namespace {

void print_secret(const Secret& secret) {
  const std::string_view text = secret.unsafe_reveal_text();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

Result<void> generate_pepper(int version) {
  if (version < 1)
    return fail(ErrorKind::invalid_input, "cli.bad_flag", "--pepper-version: expected 1 or more");
  SystemEntropy entropy;
  print_secret(protocol::Peppers::new_line(static_cast<uint32_t>(version), entropy));
  return {};
}

Result<void> generate_store_key(int version) {
  if (version < 1 || version > static_cast<int>(store::SealingKeys::version_max)) {
    return fail(ErrorKind::invalid_input, "cli.bad_flag",
                "--key-version: expected a number from 1 to 1000000");
  }
  SystemEntropy entropy;
  print_secret(store::SealingKeys::new_line(static_cast<uint32_t>(version), entropy));
  return {};
}

Result<void> generate_signing_key(const std::string& algorithm) {
  const crypto::SignatureAlgorithm* found = crypto::find_signature_algorithm(algorithm);
  if (!found) {
    return fail(ErrorKind::invalid_input, "cli.bad_flag",
                "--algorithm: expected ES256, PS256 or EdDSA");
  }
  CS_TRY(const crypto::PrivateKey key, crypto::PrivateKey::generate(*found));
  print_secret(key.to_pem());
  return {};
}

}  // namespace countersign::cli
