// TokenStore: the token rows that the processes of a machine (SQLite) or of several hosts
// (PostgreSQL) share, and the leases by which one of them at a time asks the issuer (design §4.2).
//
// A lease is a claim of the next generation: claim() counts `claimed` up, and only the holder of
// that number may publish a token under it. So each generation is asked for at most once, whoever
// dies or stalls: a holder that comes back late finds that its number is no longer the newest, and
// can neither overwrite a newer token nor end another's lease.
//
// All times are the store's own: what is returned are durations from the moment at which the
// store answered, so hosts need not agree on a clock. Each operation is one statement or a short
// transaction; nothing stays open between two of them. An object belongs to one thread at a time.
//
// Does not look into what is sealed. Errors: those of the database (sqlite.h, postgres.h).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace countersign::store {

// A token as it is stored: sealed by whoever wrote it, under a key that `key_version` names.
struct SealedToken {
  Bytes sealed = {};
  uint32_t key_version = 0;
  std::chrono::microseconds age{};         // since the request for it began; never negative
  std::chrono::microseconds expires_in{};  // 0 or less: it has ended
};

struct TokenRow {
  uint64_t generation = 0;  // of `token`; 0: none was ever published
  uint64_t claimed = 0;     // the newest number given out; never less than `generation`
  uint64_t rejected = 0;    // generations up to this one were refused by the provider
  std::optional<SealedToken> token = {};
  std::string lease_owner = {};           // empty: nobody's
  std::chrono::microseconds lease_for{};  // how long nobody else may claim; 0: anyone may
};

struct Claim {
  bool granted = false;
  TokenRow row = {};  // as it is after the attempt: `claimed` is the number if it was granted
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;

  // A slot that nobody has written reads as an empty row.
  virtual Result<TokenRow> read(std::string_view slot) = 0;

  // Takes the lease for `lease_for`, if no lease runs and the row's generation is still
  // `seen_generation`: one compare-and-set. `rejected` (0: none) is recorded too, granted or not,
  // so that no process uses that generation again; it never moves back.
  virtual Result<Claim> claim(std::string_view slot, std::string_view owner,
                              uint64_t seen_generation, uint64_t rejected,
                              std::chrono::microseconds lease_for) = 0;

  // Publishes the token under the number `claimed`, and ends the lease. It counts as asked for no
  // later than when that number was claimed, however late this arrives. False: the claim is no
  // longer the newest or not `owner`'s; nothing was written.
  virtual Result<bool> publish(std::string_view slot, std::string_view owner, uint64_t claimed,
                               const SealedToken& token) = 0;

  // Ends the lease without a token. For `closed_for` nobody may claim: a failure at the issuer is
  // shared, not repeated by each process. False: as for publish().
  virtual Result<bool> release(std::string_view slot, std::string_view owner, uint64_t claimed,
                               std::chrono::microseconds closed_for) = 0;

  // For re-keying: the slots whose token is sealed under another version than `key_version`.
  virtual Result<std::vector<std::string>> slots_to_rekey(uint32_t key_version) = 0;
  // Replaces the sealed bytes of exactly this generation and version. False: it has changed.
  virtual Result<bool> replace_sealed(std::string_view slot, uint64_t generation,
                                      uint32_t old_key_version, ByteView sealed,
                                      uint32_t new_key_version) = 0;
};

}  // namespace countersign::store
