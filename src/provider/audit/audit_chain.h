// The hash chain of the audit log (design §5.7), as text: how a line is bound to all lines before
// it, and what a checkpoint signs. Pure; audit_file.h writes with it, audit_verify.h checks with
// it.
//
// A line of the log is `CONTENT,"n":N,"hash":"HASH"}` and a line feed. N counts the lines of the
// log from 1, over all its files. HASH is base64url(SHA-256(hash of line N-1 (32 bytes) ||
// everything of the line before `,"hash"`)); the first line's predecessor is 32 zero bytes. So a
// line that was altered, taken out, put in or moved makes its own hash wrong, or that of the line
// behind it.
//
// Whoever may write to the file can compute a new chain from there on: that is what checkpoints are
// for. A checkpoint is a line that carries the hash of the line before it, signed: what stands
// before it cannot be altered without the key.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "crypto/digest.h"
#include "crypto/key.h"

namespace countersign::provider {

// The last line so far: its number and hash. As made: before the first line.
struct ChainPoint {
  uint64_t number = 0;
  crypto::Sha256Digest hash{};

  friend bool operator==(const ChainPoint&, const ChainPoint&) = default;
};

// Makes lines part of the chain. One thread.
class ChainWriter final {
 public:
  explicit ChainWriter(const ChainPoint& head = {}) : head_(head) {}

  const ChainPoint& head() const { return head_; }
  void continue_from(const ChainPoint& head) { head_ = head; }

  // `line` is a whole JSON object with its line feed, as AuditLineWriter makes it.
  void append(std::string& out, std::string_view line);

 private:
  ChainPoint head_;
  crypto::Sha256Stream digest_;
};

// A line of the file, taken apart. Views into the line that was parsed.
struct ChainedLine {
  std::string_view content;  // everything before `,"hash"`: what the hash covers
  ChainPoint point;          // as the line claims
};

// `line` without its line feed. nullopt: it has not the form of a chained line. Does not check the
// hash.
std::optional<ChainedLine> parse_chained_line(std::string_view line);

// What the line's hash must be if `previous` is the one before it.
crypto::Sha256Digest chain_hash(const crypto::Sha256Digest& previous, std::string_view content);

// What a checkpoint says besides its time.
struct Checkpoint {
  uint64_t file = 1;    // the number of the file it stands in
  ChainPoint previous;  // the line before it
};

// The id of a checkpoint key: the first 16 characters of base64url(SHA-256(its public key)).
std::string checkpoint_key_id(const crypto::PublicKey& key);

// A whole line, to be given to ChainWriter::append(). `time` as lines write it. Fails only if
// OpenSSL does.
Result<std::string> write_checkpoint(const Checkpoint& checkpoint, const crypto::PrivateKey& key,
                                     std::string_view node, std::string_view time);

// A checkpoint as it stands in a file.
struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string time;
  std::string key_id;
  Bytes signature;
};

// Whether the line says that it is a checkpoint.
bool is_checkpoint(std::string_view line);
// The members of a checkpoint line. `audit.bad_checkpoint`. Does not check the signature.
Result<SignedCheckpoint> parse_checkpoint(std::string_view line);
// `audit.bad_checkpoint` unless the key signed it. Fails closed.
Result<void> verify_checkpoint(const SignedCheckpoint& checkpoint, const crypto::PublicKey& key);

}  // namespace countersign::provider
