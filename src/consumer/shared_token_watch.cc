// SharedTokenSource between two fetches: a slow look at the row, so that a token that was replaced
// or refused elsewhere is not used to its end here, and an unshared one gets shared.

#include <utility>

#include "consumer/shared_token_source.h"

namespace countersign::consumer {

using std::chrono::microseconds;

Task<void> SharedTokenSource::watch() {
  for (;;) {
    co_await sleep_for(sharing_.parts_.home, jittered(sharing_.options_.watch_every));
    if (!busy_) {
      const Result<void> looked = co_await look();
      if (!looked) sharing_.store_is_away(looked.error());
    }
    // All slots of the process share the store, and any of them may have noticed.
    const bool alone = sharing_.is_away();
    if (std::exchange(told_alone_, alone) != alone && listener_) listener_->sharing_changed();
  }
}

Task<Result<void>> SharedTokenSource::look() {
  const Instant read_at = now();
  CS_CO_TRY(const store::TokenRow row, co_await read_row());
  sharing_.store_is_there();
  if (busy_) co_return Result<void>();  // a fetch() began meanwhile and sees for itself
  follow(row);
  const bool refused_elsewhere = given_ > told_refused_ && row.rejected >= given_;
  if (adoptable(row, read_at)) {
    if (listener_) listener_->token_changed();
  } else if (refused_elsewhere && !given_refused_) {
    told_refused_ = given_;
    if (listener_) listener_->token_refused();
  } else if (unshared()) {
    co_return co_await offer(row);
  }
  co_return Result<void>();
}

Task<Result<void>> SharedTokenSource::offer(store::TokenRow row) {
  const Busy busy(*this);
  const Held mine = *held_;
  if (now().boot >= mine.started.boot + mine.lifetime) co_return Result<void>();
  const bool is_own = row.lease_owner == owner_;
  // Somebody is about to publish a younger one, or the issuer is left alone: then this one helps
  // nobody yet.
  if (row.lease_for > microseconds(0) && !is_own) co_return Result<void>();
  uint64_t claimed = row.claimed;
  if (!is_own || (claimed != mine.claimed && claimed <= asked_under_)) {
    const auto lease = 2 * microseconds(sharing_.options_.store_timeout);
    CS_CO_TRY(const store::Claim claim, co_await claim_next(row.generation, lease));
    if (!claim.granted) co_return Result<void>();
    claimed = claim.row.claimed;
  }
  asked_under_ = std::max(asked_under_, claimed);
  CS_CO_TRY(const bool published, co_await publish_token(mine, claimed));
  if (published) {
    note_shared(claimed);
    if (listener_) listener_->sharing_changed();
  }
  co_return Result<void>();
}

}  // namespace countersign::consumer
