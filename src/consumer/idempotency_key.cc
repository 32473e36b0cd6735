#include "consumer/idempotency_key.h"

#include <algorithm>

#include "core/bytes.h"

namespace countersign::consumer {

bool is_idempotency_key(std::string_view text) {
  if (text.empty() || text.size() > idempotency_key_bytes_max) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string make_idempotency_key(Entropy& entropy) {
  constexpr size_t random_bytes = 16;
  return "cs-" + encode_hex(entropy.bytes(random_bytes));
}

}  // namespace countersign::consumer
