// Idempotency keys: the caller's name for one write, by which the provider recognises a repeat.
//
// A key is not a secret, and proves nothing about who sends it.

#pragma once

#include <string>
#include <string_view>

#include "core/entropy.h"

namespace countersign::consumer {

inline constexpr std::string_view idempotency_key_field = "Idempotency-Key";
inline constexpr size_t idempotency_key_bytes_max = 255;

// 1 to 255 printable ASCII characters, no space at either end. What is longer or other than that,
// providers cut off or refuse, each in its own way.
bool is_idempotency_key(std::string_view text);

// "cs-" and 128 random bits.
std::string make_idempotency_key(Entropy& entropy);

}  // namespace countersign::consumer
