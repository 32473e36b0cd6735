// SharedTokenSource: what it reads in a row and writes to one, and what it remembers of both.

#include <algorithm>
#include <utility>

#include "consumer/shared_token_source.h"
#include "store/rekey.h"

namespace countersign::consumer {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

// When the request for a row's token began, as seen by this process: never later than it was, since
// `read_at` is before the store answered.
Instant started_of(const store::SealedToken& token, const Instant& read_at) {
  return {read_at.boot - token.age, read_at.wall - token.age};
}

}  // namespace

RunOn<store::TokenRow> SharedTokenSource::read_row() {
  return sharing_.on_store<store::TokenRow>(
      [slot = slot_](store::TokenStore& store) { return store.read(slot); });
}

RunOn<store::Claim> SharedTokenSource::claim_next(uint64_t seen_generation, microseconds lease) {
  return sharing_.on_store<store::Claim>([slot = slot_, owner = owner_, seen_generation,
                                          rejected = rejected_, lease](store::TokenStore& store) {
    return store.claim(slot, owner, seen_generation, rejected, lease);
  });
}

RunOn<bool> SharedTokenSource::publish_token(const Held& fresh, uint64_t claimed) {
  const auto& parts = sharing_.parts_;
  Result<store::Sealed> sealed = parts.keys->seal(
      fresh.token.unsafe_reveal(), store::token_row_of(slot_, claimed), parts.entropy);
  return sharing_.on_store<bool>(
      [slot = slot_, owner = owner_, claimed, sealed = std::move(sealed),
       started = fresh.started.boot, lifetime = fresh.lifetime,
       &clock = parts.clock](store::TokenStore& store) mutable -> Result<bool> {
        if (!sealed) return fail(std::move(sealed).error());
        // Measured at the last moment: waiting for this thread does not make the token younger.
        const auto age = duration_cast<microseconds>(clock.boot_now() - started);
        return store.publish(slot, owner, claimed,
                             {.sealed = std::move(sealed->bytes),
                              .key_version = sealed->key_version,
                              .age = std::max(age, microseconds(0)),
                              .expires_in = lifetime - std::max(age, microseconds(0))});
      });
}

bool SharedTokenSource::adoptable(const store::TokenRow& row, const Instant& read_at) const {
  const uint64_t refused = std::max(row.rejected, rejected_);
  if (!row.token || row.generation <= std::max({newest_, refused, unreadable_})) return false;
  if (row.token->expires_in <= microseconds(0)) return false;
  // A token had while the store was away may be younger than what others published since.
  return !unshared() || started_of(*row.token, read_at).boot > held_->started.boot;
}

std::optional<TokenGrant> SharedTokenSource::adopt(const store::TokenRow& row,
                                                   const Instant& read_at) {
  if (!adoptable(row, read_at)) return std::nullopt;
  Result<Secret> token = sharing_.parts_.keys->open(row.token->sealed, row.token->key_version,
                                                    store::token_row_of(slot_, row.generation));
  if (!token) {
    unreadable_ = row.generation;
    sharing_.token_is_unreadable(slot_, row.generation, token.error());
    return std::nullopt;
  }
  note_shared(row.generation);
  held_ = Held{.token = *std::move(token),
               .started = started_of(*row.token, read_at),
               .lifetime = duration_cast<seconds>(row.token->age + row.token->expires_in)};
  given_refused_ = false;
  failures_in_row_ = 0;
  ++counts_.adopted;
  return grant_of(*held_);
}

// What a row says of this source's own past.
void SharedTokenSource::follow(const store::TokenRow& row) {
  if (row.claimed < newest_) {
    // The store was replaced, or restored from an older copy: numbers begin anew.
    newest_ = given_ = rejected_ = told_refused_ = unreadable_ = asked_under_ = closed_seen_ = 0;
    if (held_) held_->claimed = 0;
  }
  // A publication whose answer was lost did happen.
  const bool published = row.generation != 0 && held_ && held_->claimed == row.generation;
  if (published && given_ == 0) note_shared(row.generation);
}

void SharedTokenSource::note_shared(uint64_t generation) {
  newest_ = generation;
  given_ = generation;
}

void SharedTokenSource::note_refusal() {
  given_refused_ = true;
  rejected_ = std::max(rejected_, given_);
}

// A claim of this source whose answer was lost: its number was never used.
bool SharedTokenSource::holds_unused_claim(const store::TokenRow& row) const {
  return row.lease_for > microseconds(0) && row.lease_owner == owner_ && row.claimed > asked_under_;
}

bool SharedTokenSource::is_closed(const store::TokenRow& row) {
  return row.lease_for > microseconds(0) && row.lease_owner.empty();
}

TokenFailure SharedTokenSource::closed_row(const store::TokenRow& row) {
  if (std::exchange(closed_seen_, row.claimed) != row.claimed) ++failures_in_row_;
  return {.error = make_error(ErrorKind::unavailable, "consumer.shared_failure",
                              "the issuer gave another process no token, and is left alone"),
          .retry_after = row.lease_for};
}

// Makes a failure of a grant that is of no use to anybody.
void SharedTokenSource::check_grant(Outcome& granted, const Instant& started) const {
  if (!granted) return;
  if (given_refused_ && held_ && granted->access_token == held_->token) {
    granted = std::unexpected(TokenFailure{
        .error = make_error(ErrorKind::unavailable, "consumer.refused_token_again",
                            "the issuer answered with the token that the provider refuses")});
  } else if (now().boot - started.boot >= lifetime_of(*granted)) {
    granted = std::unexpected(TokenFailure{
        .error = make_error(ErrorKind::unavailable, "consumer.token_ended_on_arrival",
                            "the token had ended before the issuer's answer arrived")});
  }
}

SharedTokenSource::Held SharedTokenSource::held_of(TokenGrant granted, const Instant& started,
                                                   uint64_t claimed) const {
  const seconds lifetime = lifetime_of(granted);
  return {.token = std::move(granted.access_token),
          .started = granted.counted_from.value_or(started),
          .lifetime = lifetime,
          .claimed = claimed};
}

seconds SharedTokenSource::lifetime_of(const TokenGrant& granted) const {
  return std::min(granted.lifetime.value_or(options_.assumed_lifetime), options_.lifetime_max);
}

TokenGrant SharedTokenSource::give(Held fresh) {
  given_ = 0;
  given_refused_ = false;
  failures_in_row_ = 0;
  ++counts_.granted;
  held_ = std::move(fresh);
  return grant_of(*held_);
}

TokenGrant SharedTokenSource::grant_of(const Held& held) {
  return {.access_token = held.token, .lifetime = held.lifetime, .counted_from = held.started};
}

BootClock::duration SharedTokenSource::count_failure(TokenFailure& failure) {
  constexpr uint32_t doublings_max = 20;  // far beyond any cap, and no overflow
  BootClock::duration pause = options_.misconfigured_retry;
  if (!failure.permanent) {
    const auto doubled = options_.backoff_first * (1u << std::min(failures_in_row_, doublings_max));
    pause = jittered(std::min(options_.backoff_max, doubled));
  }
  ++failures_in_row_;
  if (failure.retry_after) {
    const BootClock::duration obeyed =
        std::min<BootClock::duration>(*failure.retry_after, options_.retry_after_max);
    pause = std::max(pause, obeyed);
  }
  failure.retry_after = pause;
  return pause;
}

Instant SharedTokenSource::now() const {
  // Not the loop's cached time: a process that was stopped in the middle of a turn has to notice.
  return {sharing_.parts_.clock.boot_now(), sharing_.parts_.clock.wall_now()};
}

BootClock::duration SharedTokenSource::jittered(BootClock::duration most) const {
  const auto nanoseconds = std::chrono::duration<double, std::nano>(most);
  return duration_cast<BootClock::duration>(nanoseconds *
                                            (0.5 + 0.5 * sharing_.parts_.entropy.unit()));
}

}  // namespace countersign::consumer
