// How processes and hosts that share tokens name a slot without having spoken to each other: by a
// digest over what makes it what it is.

#pragma once

#include <string>

#include "consumer/token.h"

namespace countersign::consumer {

// A base64url SHA-256 over every part of the key: equal exactly for equal (normalised) keys, on
// every host. Shows nothing of them.
std::string slot_identity(const SlotKey& key);

}  // namespace countersign::consumer
