// Reconciler: what a crash or a lost answer left pending or unknown in the journal is repeated with
// the same key and body and a fresh credential, once each, and what became of it is recorded.
//
// An entry is repeated only if its API honours Idempotency-Keys by the configuration of today and
// the provider has seen the key; any other is reported, for a human to look up. May run beside a
// running egress, and beside itself: an entry is taken over before it is sent, and only one can.
//
// For a program of its own: the journal is read and written on the loop's thread, which waits for
// the disk meanwhile.

#pragma once

#include <string>
#include <vector>

#include "consumer/egress/egress_service.h"
#include "core/executor.h"
#include "core/task.h"
#include "crypto/aead.h"
#include "store/journal.h"

namespace countersign::consumer {

struct ReconcileOptions {
  int attempts_per_second = 10;  // a provider that has just recovered is not overrun
  // How long to wait in all for entries that are held: by calls under way, or by what crashed.
  BootClock::duration wait_for_held{};
  BootClock::duration hold_margin = std::chrono::seconds(2);
};

// One entry, as it stands now.
struct ReconciledEntry {
  std::string api = {};
  std::string key = {};
  bool key_sent = true;
  std::string method = {};  // empty if the entry could not be opened
  std::string path = {};    // with the query: it may be what the payment is looked up by
  WallTime begun_at{};
  store::JournalState state = store::JournalState::unknown;
  int status = 0;
  std::string note = {};  // why it is not resolved, and what to do; empty if it is
  bool resolved() const {
    return state == store::JournalState::answered || state == store::JournalState::not_sent;
  }
};

class Reconciler final {
 public:
  // All references outlive the object. Of `apis` those with a policy count.
  Reconciler(Executor& loop, const Clock& clock, store::Journal& journal,
             const crypto::AeadKey& key, uint32_t key_version, std::vector<EgressApi> apis,
             ReconcileOptions options = {});

  // Every entry that was unresolved when it was reached. Errors: those of the store.
  Task<Result<std::vector<ReconciledEntry>>> run();

 private:
  struct Sent {
    store::JournalState state = store::JournalState::unknown;
    int status = 0;
    std::string code = {};
  };
  Task<Result<ReconciledEntry>> reconcile(store::JournalEntry entry);
  Task<Result<void>> wait_while_held(store::JournalEntry& entry);
  Task<Result<void>> repeat(const EgressApi& api, const store::JournalEntry& entry,
                            const JournalledRequest& request, ReconciledEntry& report);
  Task<Sent> send(const EgressApi& api, const JournalledRequest& request, BootTime deadline);
  const EgressApi* find_api(std::string_view name) const;
  Instant now() const { return {loop_.now(), clock_.wall_now()}; }

  Executor& loop_;
  const Clock& clock_;
  store::Journal& journal_;
  const crypto::AeadKey& key_;
  uint32_t key_version_;
  std::vector<EgressApi> apis_;
  ReconcileOptions options_;
  BootTime wait_until_{};
  BootTime next_attempt_{};
};

}  // namespace countersign::consumer
