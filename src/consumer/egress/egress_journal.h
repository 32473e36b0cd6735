// EgressJournal: the journal as the egress and `reconcile` use it: requests go in sealed, and come
// out only with the key they were sealed under. One object for all loops of the process.

#pragma once

#include <memory>
#include <string>

#include "consumer/idempotency_key.h"
#include "consumer/journal_writer.h"
#include "consumer/journalled_request.h"
#include "core/entropy.h"
#include "crypto/aead.h"
#include "store/journal.h"

namespace countersign::consumer {

struct EgressJournalOptions {
  // A write with a longer body is refused: without its body an entry could not be repeated.
  size_t body_bytes_max = 64 * 1024;
  // An entry is held for the rest of its call's deadline and this long: what is on its way to the
  // disk then is not taken for a crash.
  BootClock::duration hold_margin = std::chrono::seconds(2);
};

// What a call is journalled under.
struct JournalledCall {
  std::string_view api;
  std::string_view key;
  bool key_sent = true;
  bool key_honoured = false;
};

class EgressJournal final {
 public:
  // All references outlive the object.
  EgressJournal(JournalWriter& writer, const crypto::AeadKey& key, uint32_t key_version,
                Entropy& entropy, EgressJournalOptions options = {})
      : writer_(writer),
        key_(key),
        key_version_(key_version),
        entropy_(entropy),
        options_(options) {}

  size_t body_bytes_max() const { return options_.body_bytes_max; }
  // For a call without a key: a name for its entry.
  std::string make_entry_key() { return "none-" + make_idempotency_key(entropy_); }

  // With `started` the request is durable. `call` and `request` outlive the Task.
  Task<Result<store::JournalStart>> begin(Executor& loop, const JournalledCall& call,
                                          const JournalledRequest& request, BootTime deadline);
  void end(store::JournalEnd end) { writer_.end(std::move(end)); }

 private:
  JournalWriter& writer_;
  const crypto::AeadKey& key_;
  uint32_t key_version_;
  Entropy& entropy_;
  EgressJournalOptions options_;
};

// The request of an entry. `crypto.not_authentic` with another key, or if it was altered;
// `journal.other_key` if its key version is not `key_version`.
Result<JournalledRequest> open_journalled(const store::JournalEntry& entry,
                                          const crypto::AeadKey& key, uint32_t key_version);

}  // namespace countersign::consumer
