// Checks that an audit log was neither altered nor cut off (audit_chain.h says how lines are bound
// together). Reads files, changes none.
//
// What it proves, if it finds nothing: the lines from the first to the last checkpoint are those
// that were written, all of them, in their order, whoever could write to the files since, unless he
// had the key. The lines behind the last checkpoint are unaltered only as far as nobody rewrote all
// of them together. That the log was not cut off at its end, back to an earlier checkpoint, is
// proven as far as a checkpoint that is kept elsewhere reaches: `expected`.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "crypto/key.h"
#include "provider/audit/audit_chain.h"

namespace countersign::provider {

struct VerifyOptions {
  std::vector<std::string> files;       // in their order; the oldest first
  std::vector<crypto::PublicKey> keys;  // that may have signed checkpoints; at least one
  // Checkpoint lines that are known from elsewhere: the log must contain them.
  std::vector<std::string> expected;
};

struct VerifyFinding {
  std::string file;
  uint64_t line = 0;  // 0: it is about the whole file, or the log
  std::string code;   // "audit.hash_wrong"
  std::string text;   // what it means
};

struct VerifyReport {
  uint64_t lines = 0;       // that are in the chain and unaltered
  uint64_t first_line = 0;  // their numbers
  uint64_t last_line = 0;
  uint64_t checkpoints = 0;     // whose signature holds
  uint64_t signed_through = 0;  // the last line that a checkpoint covers
  uint64_t files = 0;
  std::optional<VerifyFinding> broken;  // the first thing that does not hold
  std::vector<VerifyFinding> notes;     // what is as it may be, but worth knowing

  bool holds() const { return !broken; }
};

// Stops at the first thing that does not hold. `audit.unreadable` if a file cannot be read,
// `audit.no_key`, `audit.bad_checkpoint` (of `expected`).
Result<VerifyReport> verify_audit_log(const VerifyOptions& options);

}  // namespace countersign::provider
