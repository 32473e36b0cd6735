// Where a TLS identity comes from: two PEM files, the key perhaps encrypted, or one PKCS #12 file.

#pragma once

#include <optional>

#include "core/config.h"
#include "crypto/tls_identity.h"

namespace countersign::cli {

// Keys of `section`, either of:
//   certificate, private_key_file [, private_key_passphrase_file]
//   pkcs12_file, pkcs12_passphrase_file
// (each secret also as …_credential or …_env). nullopt if neither is there. What is wrong is noted
// as a problem; the identity is then of no use.
std::optional<crypto::TlsIdentity> read_identity_files(const ConfigSection& section);

}  // namespace countersign::cli
