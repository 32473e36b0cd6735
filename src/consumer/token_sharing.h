// TokenSharing: what all slots of a process need to share tokens with other processes and hosts
// through one token store (design §4.2): the store, the thread on which it is used, the keys under
// which tokens are sealed, and whether the store is there.
//
// The store being away is not a lease being held: then the process renews alone, says so once, and
// goes back to sharing by itself.
//
// Never used for reading a token: a slot's readers neither wait for the store nor know of it.

#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "consumer/slot.h"
#include "consumer/token_source.h"
#include "core/entropy.h"
#include "core/executor.h"
#include "core/log.h"
#include "core/worker.h"
#include "store/sealing_keys.h"
#include "store/token_store.h"

namespace countersign::consumer {

struct TokenSharingOptions {
  // A store that takes longer for one operation is taken to be away.
  std::chrono::milliseconds store_timeout{2'000};
  // How long one process may take to renew a token before another may try.
  std::chrono::milliseconds lease{15'000};
  // The end of a lease is for publishing the token; the request for it has ended by then.
  std::chrono::milliseconds publish_room() const {
    return std::min(std::chrono::milliseconds(3'000), lease / 2);
  }
  // Who waits for another process's token looks this often, doubling from the first to the second.
  std::chrono::milliseconds poll_first{50};
  std::chrono::milliseconds poll_max{250};
  // How often a slot looks, while it waits for nothing, whether its token was replaced or refused
  // elsewhere, and whether a store that was away is back. One read by primary key each.
  std::chrono::milliseconds watch_every{3'000};
};

class TokenSharing final {
 public:
  struct Parts {
    std::shared_ptr<store::TokenStore> store;  // used on the worker alone
    std::shared_ptr<const store::SealingKeys> keys;
    Executor& home;  // of all slots; this and what follows outlives the sharing
    Worker& worker;  // with one thread: a store belongs to one at a time
    const Clock& clock;
    Entropy& entropy;
    const Log& log;
  };
  explicit TokenSharing(Parts parts, TokenSharingOptions options = {});
  // All sources that it made are gone.
  ~TokenSharing() = default;
  TokenSharing(const TokenSharing&) = delete;
  TokenSharing& operator=(const TokenSharing&) = delete;

  // A source for the slot `key` that shares what `issuer` grants. `issuer` and this outlive it.
  // `slot` gives the pauses after failures and the assumed lifetime, as the slot itself has them.
  std::unique_ptr<TokenSource> share(const SlotKey& key, TokenSource& issuer,
                                     const SlotOptions& slot);

 private:
  friend class SharedTokenSource;

  // On the home thread. `co_await on_store<T>(…)`: the function owns what it uses.
  template <typename T>
  RunOn<T> on_store(std::move_only_function<Result<T>(store::TokenStore&)> work) {
    return run_on<T>(
        parts_.worker, parts_.home,
        [store = parts_.store, job = std::move(work)]() mutable { return job(*store); },
        parts_.home.now() + options_.store_timeout);
  }
  // What the last operation said of the store; one line is logged for each change.
  void store_is_away(const Error& why);
  void store_is_there();
  bool is_away() const { return !why_away_.code.empty(); }
  const Error& why_away() const { return why_away_; }
  void token_is_unreadable(const std::string& slot, uint64_t generation, const Error& why);

  Parts parts_;
  TokenSharingOptions options_;
  Error why_away_ = {};     // empty code: not away
  std::string owner_ = {};  // a random name of this process, for the rows
  uint64_t sources_made_ = 0;
};

}  // namespace countersign::consumer
