// Journal: the writes that an egress sends, recorded before the first byte leaves, so that a crash
// never leaves a payment that nobody knows to look for (design §4.3).
//
// An entry goes pending → answered | not_sent | unknown. Whoever starts or takes over an entry gets
// the next attempt number, and only the holder of the newest one may say what became of it: a
// process that comes back late changes nothing. While an entry is held nobody else may take it; a
// crash leaves it pending and held until the hold has run out.
//
// An object belongs to one thread at a time; processes (SQLite) and hosts (PostgreSQL) may share
// the database. All times are the store's own. What is sealed is not looked into.
//
// Errors: those of the database (sqlite.h, postgres.h).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"
#include "crypto/digest.h"

namespace countersign::store {

enum class JournalState { pending, answered, not_sent, unknown };
std::string_view name_of(JournalState state);

// A write that is about to be sent.
struct JournalBegin {
  std::string api = {};  // keys of different APIs have nothing to do with each other
  std::string key = {};
  bool key_sent = true;  // false: `key` only names the entry; the provider never sees it
  // The provider does not act on the same key twice. Asked for this time; not kept.
  bool key_honoured = false;
  crypto::Sha256Digest digest{};  // of method, target and body
  Bytes sealed = {};              // the request, sealed by whoever wrote it
  uint32_t key_version = 0;
  std::chrono::microseconds hold_for{};  // longer than the call can take
};

enum class JournalVerdict {
  started,         // it is durable: send
  resent,          // it was answered before, and the provider answers a repeat as it did: send
  in_flight,       // another holds it
  key_reused,      // the key stands for another request
  may_be_doubled,  // it may have been processed, and this provider would act on it again
  full,            // there is no room for another entry
};
struct JournalStart {
  JournalVerdict verdict = JournalVerdict::full;
  uint64_t attempt = 0;          // of `started`
  bool maybe_processed = false;  // by an attempt before this one
};

// What became of an attempt. `not_sent` is recorded as `unknown` if an attempt before it may have
// been processed.
struct JournalEnd {
  std::string api = {};
  std::string key = {};
  uint64_t attempt = 0;
  JournalState state = JournalState::unknown;  // not pending
  int status = 0;                              // of the answer; 0: there was none
  std::string code = {};                       // what went wrong, if anything
};

struct JournalEntry {
  std::string api = {};
  std::string key = {};
  bool key_sent = true;
  crypto::Sha256Digest digest{};
  Bytes sealed = {};  // empty once it is answered or not_sent: nobody needs it any more
  uint32_t key_version = 0;
  JournalState state = JournalState::pending;
  int status = 0;
  std::string code = {};
  uint64_t attempt = 0;
  bool maybe_processed = false;
  WallTime begun_at{};
  WallTime changed_at{};
  std::chrono::microseconds held_for{};  // 0: nobody holds it
};

struct JournalLimits {
  std::chrono::seconds keep_finished = std::chrono::hours(24 * 7);
  std::chrono::seconds keep_unresolved = std::chrono::hours(24 * 90);
  int64_t entries_max = 1'000'000;  // finished ones make room, the oldest first; others never do

  friend bool operator==(const JournalLimits&, const JournalLimits&) = default;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // All of it in one transaction, ends first, each in order: durable when this returns. One result
  // for each of `begins`; an end whose attempt is not the newest changes nothing. `entries_max`:
  // with so many entries a new one is `full`.
  virtual Result<std::vector<JournalStart>> write(std::span<const JournalBegin> begins,
                                                  std::span<const JournalEnd> ends,
                                                  int64_t entries_max) = 0;

  virtual Result<std::optional<JournalEntry>> find(std::string_view api, std::string_view key) = 0;

  // Pending and unknown entries after (`api`, `key`) in that order, held ones included.
  virtual Result<std::vector<JournalEntry>> unresolved(std::string_view api, std::string_view key,
                                                       size_t limit) = 0;

  // Takes over an unresolved entry that nobody holds and whose newest attempt is `seen`. The new
  // attempt's number; nullopt: somebody else was there first, or it is resolved.
  virtual Result<std::optional<uint64_t>> take_over(std::string_view api, std::string_view key,
                                                    uint64_t seen,
                                                    std::chrono::microseconds hold_for) = 0;

  // For re-keying (rekey.h). Entries with a sealed request under another key than `key_version`,
  // after (`api`, `key`) in that order, held ones included.
  virtual Result<std::vector<JournalEntry>> to_rekey(uint32_t key_version, std::string_view api,
                                                     std::string_view key, size_t limit) = 0;
  // Puts the same request, sealed anew, in the place of the entry's. False: it is not the same any
  // more: another attempt has written it, somebody else has re-keyed it, or it was emptied.
  virtual Result<bool> replace_sealed(const JournalEntry& seen, ByteView sealed,
                                      uint32_t new_key_version) = 0;

  // Deletes what the limits no longer keep, at most `limit` entries in one go; gives their number.
  virtual Result<int64_t> purge(const JournalLimits& limits, int64_t limit) = 0;
};

// What is read from an entry to judge a new begin; the rules are the same in every database.
struct JournalFound {
  crypto::Sha256Digest digest{};
  JournalState state = JournalState::pending;
  int status = 0;
  uint64_t attempt = 0;
  bool maybe_processed = false;
  bool held = false;
};
// `found` null: there is no such entry. Never `full`. Fails closed: where the provider would act
// again, only what is proven not to have been processed may be sent again.
JournalStart judge(const JournalFound* found, const JournalBegin& begin);

}  // namespace countersign::store
