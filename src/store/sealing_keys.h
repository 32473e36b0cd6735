// The keys under which what is secret in a store is sealed at rest: AES-256-GCM (crypto/aead.h),
// each key with a version. One seals, all of them open; so a key is replaced while everything runs.
//
// A sealed text is bound to its row: moved to another row, generation, table or key version it does
// not open. Not bound is what stands beside it in the row.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/aead.h"

namespace countersign::store {

// Which row a sealed text is in.
struct SealedRow {
  std::string_view table;  // "token_rows": at most 64 bytes
  std::string_view name;   // its primary key
  uint64_t generation = 0;
};

struct Sealed {
  Bytes bytes = {};
  uint32_t key_version = 0;
};

class SealingKeys final {
 public:
  static constexpr uint32_t version_max = 1'000'000;
  static constexpr size_t keys_max = 64;

  // From a key file: one line each, `VERSION:KEY`, the version a decimal number from 1 to
  // version_max without leading zeros, the key base64url (without padding) of 32 bytes; empty lines
  // and lines that begin with '#' are passed over, blanks are not. The highest version seals,
  // unless `seal_with` names another of them: while a new key is brought to all hosts, none may
  // seal with what others cannot open yet.
  // `sealing.malformed`, `sealing.bad_version` (out of range, or given twice), `sealing.none`,
  // `sealing.too_many`, `sealing.no_such_version` (seal_with): misconfigured, and repeat nothing of
  // the file.
  static Result<SealingKeys> parse(const Secret& file, std::optional<uint32_t> seal_with = {});
  // A line for such a file, with a fresh key and its line end.
  static Secret new_line(uint32_t version, Entropy& entropy);

  uint32_t version() const { return seals_; }  // of the key that seals

  // Thread-safe if `entropy` is.
  Result<Sealed> seal(ByteView plaintext, const SealedRow& row, Entropy& entropy) const;

  // `sealing.unknown_version` (unavailable: another process has a newer key file);
  // `crypto.not_authentic` (corrupt) whatever else is wrong. Fails closed. Thread-safe.
  Result<Secret> open(ByteView sealed, uint32_t key_version, const SealedRow& row) const;

 private:
  SealingKeys() = default;
  std::map<uint32_t, std::shared_ptr<const crypto::AeadKey>> by_version_;
  uint32_t seals_ = 0;
};

}  // namespace countersign::store
