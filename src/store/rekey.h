// Re-keying: every stored token, and every journalled request, sealed anew under the key that seals
// now, so that an old key can be taken out of the key file. Safe beside running processes, and to
// be run again.

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "core/entropy.h"
#include "core/result.h"
#include "store/journal.h"
#include "store/sealing_keys.h"
#include "store/token_store.h"

namespace countersign::store {

// The associated data of a token row; what seals tokens for a TokenStore uses it too.
inline SealedRow token_row_of(std::string_view slot, uint64_t generation) {
  return {.table = "token_rows", .name = slot, .generation = generation};
}

// The same for a journal entry's request: tied to its API and key, told apart by the API's length.
std::string journal_row_name(std::string_view api, std::string_view key);
inline SealedRow journal_row_of(std::string_view name) {
  return {.table = "journal", .name = name};
}

struct RekeyReport {
  int64_t rekeyed = 0;
  int64_t changed_meanwhile = 0;  // by a running process, which sealed with a key of its own
  int64_t not_opened = 0;         // left as they were: see below
  std::set<uint32_t> missing_versions = {};  // keys that are not in the key file
  int64_t remaining = 0;  // rows that are not sealed under the current key at the end

  bool complete() const { return remaining == 0; }
};

// Rows whose key is missing, or that do not verify, are left as they were and counted. Errors:
// those of the store; what was done until then stays done.
Result<RekeyReport> rekey(TokenStore& store, const SealingKeys& keys, Entropy& entropy);
Result<RekeyReport> rekey(Journal& journal, const SealingKeys& keys, Entropy& entropy);

}  // namespace countersign::store
