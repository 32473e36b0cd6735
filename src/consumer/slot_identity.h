// How processes and hosts that share tokens name a slot, and a credential's version, without having
// spoken to each other: by digests over what makes them what they are.

#pragma once

#include <cstdint>
#include <string>

#include "consumer/token.h"
#include "core/secret.h"

namespace countersign::consumer {

// A base64url SHA-256 over every part of the key: equal exactly for equal (normalised) keys, on
// every host. Shows nothing of them.
std::string slot_identity(const SlotKey& key);

// The same number wherever this secret is configured, another one for nearly every other secret.
// It lets 16 bits of the secret be known, so what is stored beside the tokens cannot be used to
// find a secret that a human chose: one guess in 65536 looks right.
uint64_t credential_version_of(const Secret& secret);

}  // namespace countersign::consumer
