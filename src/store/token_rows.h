// What the token stores share: the checks of what they are given, and the row as a database has it,
// turned into durations. For sqlite_token_store.cc and postgres_token_store.cc.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "store/token_store.h"

namespace countersign::store {

inline constexpr size_t sealed_bytes_max = size_t{1} << 20;
inline constexpr std::chrono::hours lease_max{24};
inline constexpr std::chrono::hours lifetime_max{24 * 36500};

// A slot or an owner: 1 to 1024 bytes without a zero byte, or `store.bad_name` (internal).
Result<void> check_name(std::string_view name);
// `store.too_large` above sealed_bytes_max.
Result<void> check_sealed(ByteView sealed);

// Numbers that no row can have stay numbers that no row can have.
inline int64_t row_number(uint64_t number) {
  return static_cast<int64_t>(
      std::min(number, static_cast<uint64_t>(std::numeric_limits<int64_t>::max())));
}
inline int64_t bounded(std::chrono::microseconds value, std::chrono::microseconds min,
                       std::chrono::microseconds max) {
  return std::clamp(value, min, max).count();
}
inline int64_t bounded_lease(std::chrono::microseconds value) {
  return bounded(value, std::chrono::microseconds(0), lease_max);
}

// What is written of a token's times: how old it is by its publisher, and its whole life. The
// publisher's age is of before the statement was sent, and a process may be stopped in between; so
// the row takes the token to have begun no later than the claim under which it was asked for, whose
// time is the store's own.
inline int64_t stored_age(const SealedToken& token) {
  return bounded(token.age, std::chrono::microseconds(0), lifetime_max);
}
inline int64_t stored_lifetime(const SealedToken& token) {
  return stored_age(token) + bounded(token.expires_in, -lifetime_max, lifetime_max);
}

// As it is read; microseconds.
struct StoredToken {
  Bytes sealed = {};
  int64_t key_version = 0;
  int64_t age = 0;
  int64_t lifetime = 0;  // from the request's start to the end
};
struct StoredRow {
  int64_t generation = 0;
  int64_t claimed = 0;
  int64_t rejected = 0;
  std::optional<StoredToken> token = {};
  std::string lease_owner = {};
  int64_t lease_left = 0;
  int64_t lease_length = 0;  // as it was taken for
};

// The store's clock may have stepped since a row was written. A token's age is never negative, so
// it never lives longer than its lifetime; and a lease that lies further away than twice its length
// does not run: nobody took it for that long. (Should its owner still be at work, its number is
// no longer the newest once another has claimed, and what it publishes is refused.) The statements
// that claim judge in the same way.
TokenRow to_token_row(StoredRow stored);

}  // namespace countersign::store
