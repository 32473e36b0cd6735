// `countersign generate …`: the secrets that a configuration names, made by the system's
// CSPRNG and printed once, to be redirected into a file that only its owner can read.

#pragma once

#include <string>

#include "core/result.h"

namespace countersign::cli {

Result<void> generate_pepper(int version);
// A line for the key file of a token store.
Result<void> generate_store_key(int version);
// "ES256", "PS256" or "EdDSA".
Result<void> generate_signing_key(const std::string& algorithm);

}  // namespace countersign::cli
