#include "consumer/shared_token_source.h"

#include <algorithm>
#include <utility>

#include "consumer/slot_identity.h"

namespace countersign::consumer {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

TokenFailure transient(std::string_view code, std::string_view text) {
  return {.error = make_error(ErrorKind::unavailable, code, text)};
}

}  // namespace

SharedTokenSource::SharedTokenSource(TokenSharing& sharing, const SlotKey& key, std::string owner,
                                     TokenSource& issuer, const SlotOptions& slot)
    : sharing_(sharing),
      slot_(slot_identity(key)),
      owner_(std::move(owner)),
      issuer_(issuer),
      options_(slot),
      free_(sharing.parts_.home) {}

SharedTokenSource::~SharedTokenSource() = default;

SharingState SharedTokenSource::sharing() const {
  SharingState state = counts_;
  state.on = true;
  state.alone = sharing_.is_away();
  state.why_alone = sharing_.why_away();
  state.generation = given_;
  return state;
}

Task<SharedTokenSource::Outcome> SharedTokenSource::fetch(FetchRequest request) {
  if (!std::exchange(watch_started_, true)) {
    watching_ = watch();
    watching_.start();
  }
  if (request.last_refused) note_refusal();
  while (busy_) {
    const bool in_time = co_await free_.wait(request.deadline);
    if (!in_time) {
      co_return std::unexpected(
          transient("consumer.token_store_slow", "the token store took too long"));
    }
  }
  const Busy busy(*this);
  const BootClock::duration patience = request.deadline - now().boot;
  if (!sharing_.is_away()) {
    Result<Outcome> shared = co_await fetch_shared(patience);
    if (shared) co_return *std::move(shared);
    sharing_.store_is_away(shared.error());
  }
  co_return co_await ask_alone(now().boot + patience);
}

Task<Result<SharedTokenSource::Outcome>> SharedTokenSource::fetch_shared(
    BootClock::duration patience) {
  BootClock::duration pause = sharing_.options_.poll_first;
  for (;;) {
    Instant asked_at = now();
    CS_CO_TRY(store::TokenRow row, co_await read_row());
    sharing_.store_is_there();
    follow(row);
    if (auto grant = adopt(row, asked_at)) co_return Outcome(*std::move(grant));
    if (holds_unused_claim(row)) {
      co_return co_await ask_under(row.claimed, asked_at.boot + row.lease_for,
                                   asked_at.boot + patience);
    }
    const bool refusal_is_news = rejected_ > row.rejected;
    if (row.lease_for <= microseconds(0) || refusal_is_news) {
      asked_at = now();
      const microseconds lease(sharing_.options_.lease);
      CS_CO_TRY(store::Claim claim, co_await claim_next(row.generation, lease));
      if (claim.granted) {
        co_return co_await ask_under(claim.row.claimed, asked_at.boot + lease,
                                     asked_at.boot + patience);
      }
      row = std::move(claim.row);
      if (auto grant = adopt(row, asked_at)) co_return Outcome(*std::move(grant));
    }
    if (is_closed(row)) co_return Outcome(std::unexpected(closed_row(row)));
    co_await sleep_for(sharing_.parts_.home, jittered(pause));
    pause = std::min<BootClock::duration>(2 * pause, sharing_.options_.poll_max);
  }
}

Task<Result<SharedTokenSource::Outcome>> SharedTokenSource::ask_under(uint64_t claimed,
                                                                      BootTime lease_end,
                                                                      BootTime deadline) {
  asked_under_ = claimed;
  const Instant started = now();
  const BootTime until = std::min(deadline, lease_end - sharing_.options_.publish_room());
  if (started.boot >= until) {
    // This process was stopped, or the store was slow: the lease may be another's by the time of
    // an answer.
    co_await release(claimed, BootClock::duration::zero());
    co_return Outcome(std::unexpected(transient(
        "consumer.lease_too_late", "the right to ask for a token came too late to be used")));
  }
  Outcome granted = co_await issuer_.fetch(
      {.deadline = until, .last_refused = given_refused_, .claimed = claimed});
  check_grant(granted, started);
  if (!granted) {
    const BootClock::duration pause = count_failure(granted.error());
    co_await release(claimed, pause);
    co_return granted;
  }
  co_return co_await publish_or_adopt(held_of(*std::move(granted), started, claimed));
}

Task<Result<SharedTokenSource::Outcome>> SharedTokenSource::publish_or_adopt(Held fresh) {
  Result<bool> published = co_await publish_token(fresh, fresh.claimed);
  if (!published) {
    sharing_.store_is_away(published.error());
    co_return Outcome(give(std::move(fresh)));
  }
  if (*published) {
    TokenGrant grant = give(std::move(fresh));
    note_shared(asked_under_);
    co_return Outcome(std::move(grant));
  }
  // Another process took the next number, because this one was late. Its token is the newer one.
  const Instant asked_at = now();
  Result<store::TokenRow> row = co_await read_row();
  if (row) {
    if (auto newer = adopt(*row, asked_at)) co_return Outcome(*std::move(newer));
  }
  co_return Outcome(give(std::move(fresh)));
}

Task<SharedTokenSource::Outcome> SharedTokenSource::ask_alone(BootTime deadline) {
  const Instant started = now();
  Outcome granted = co_await issuer_.fetch({.deadline = deadline, .last_refused = given_refused_});
  check_grant(granted, started);
  if (!granted) co_return granted;
  co_return give(held_of(*std::move(granted), started, 0));
}

Task<void> SharedTokenSource::release(uint64_t claimed, BootClock::duration closed_for) {
  // Not heard: the lease then ends by itself.
  const Result<bool> released = co_await sharing_.on_store<bool>(
      [slot = slot_, owner = owner_, claimed, closed_for](store::TokenStore& store) {
        return store.release(slot, owner, claimed, duration_cast<microseconds>(closed_for));
      });
  if (!released) sharing_.store_is_away(released.error());
}

}  // namespace countersign::consumer
