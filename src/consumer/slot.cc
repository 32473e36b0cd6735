#include "consumer/slot.h"

#include <algorithm>
#include <utility>

#include "consumer/slot_loop_side.h"

namespace countersign::consumer {
namespace {

Secret bearer_field_value(const Secret& access_token) {
  constexpr std::string_view scheme = "Bearer ";
  Bytes value;
  value.reserve(scheme.size() +
                access_token.size());  // never grown: growing would leave a copy behind
  value.insert(value.end(), scheme.begin(), scheme.end());
  const ByteView token = access_token.unsafe_reveal();
  value.insert(value.end(), token.begin(), token.end());
  return Secret::take(std::move(value));
}

Instant after(const Instant& start, std::chrono::seconds lifetime) {
  return {start.boot + lifetime, start.wall + lifetime};
}

TokenFailure unusable(std::string_view code, std::string_view text) {
  return {.error = make_error(ErrorKind::unavailable, code, text)};
}

}  // namespace

TokenStatus SlotState::status_at(const Instant& now) const {
  const bool ended = token && !token->valid_at(now);
  const bool claims_valid = status == TokenStatus::fresh || status == TokenStatus::stale_valid;
  return ended && claims_valid ? TokenStatus::expired : status;
}

class TokenSlot::RenewTimer final : public Timer {
 public:
  explicit RenewTimer(TokenSlot& slot) : slot_(slot) {}

 private:
  void fire() override { slot_.begin_renewal(); }
  TokenSlot& slot_;
};

class TokenSlot::FromSource final : public TokenListener {
 public:
  explicit FromSource(TokenSlot& slot) : slot_(slot) { slot_.source_.listen(this); }
  FromSource(const FromSource&) = delete;
  ~FromSource() { slot_.source_.listen(nullptr); }

 private:
  void token_changed() override {
    // A breaker that is open waits for its time, whoever has a new token.
    const bool breaker_open =
        slot_.refused_in_row_ >= 2 && slot_.state_.retry_at > slot_.home_.now();
    if (!breaker_open) slot_.begin_renewal();
  }
  void token_refused() override {
    if (slot_.state_.token) slot_.on_rejected(slot_.state_.token->generation);
  }
  void sharing_changed() override { slot_.publish(); }

  TokenSlot& slot_;
};

TokenSlot::TokenSlot(SlotKey key, TokenSource& source, Executor& home, const Clock& clock,
                     Entropy& entropy, SlotOptions options)
    : key_(key.normalised()),
      source_(source),
      home_(home),
      clock_(clock),
      entropy_(entropy),
      options_(options),
      published_(std::make_shared<const SlotState>()),
      timer_(std::make_unique<RenewTimer>(*this)),
      from_source_(std::make_unique<FromSource>(*this)) {}

TokenSlot::~TokenSlot() = default;

void TokenSlot::start() {
  on_wanted();
}

void TokenSlot::on_wanted() {
  if (state_.token && state_.token->valid_at(now())) {
    wake_readers();  // it came while the question was on its way
    return;
  }
  const bool must_pause = state_.retry_at > home_.now();
  if (!must_pause) begin_renewal();
}

void TokenSlot::begin_renewal() {
  if (renewing_) return;
  renewing_ = true;
  home_.disarm(*timer_);
  renewal_ = renew();
  renewal_.start();
}

Task<void> TokenSlot::renew() {
  // Lifetimes count from before the request: an answer that was long on its way is not a younger
  // token.
  const Instant started = now();
  auto outcome = co_await source_.fetch(
      {.deadline = started.boot + options_.request_timeout, .last_refused = last_refused_});
  renewing_ = false;
  if (outcome) {
    take(*outcome, outcome->counted_from.value_or(started));
  } else {
    fail_attempt(std::move(outcome).error());
  }
}

void TokenSlot::take(const TokenGrant& grant, const Instant& started) {
  const std::chrono::seconds lifetime =
      std::min(grant.lifetime.value_or(options_.assumed_lifetime), options_.lifetime_max);
  const Instant expires = after(started, lifetime);
  Secret field_value = bearer_field_value(grant.access_token);
  if (!refused_value_.empty() && field_value == refused_value_) {
    fail_attempt(unusable("consumer.refused_token_again",
                          "the issuer answered with the token that the provider refuses"));
  } else if (!Token{.expires = expires}.valid_at(now())) {
    fail_attempt(unusable("consumer.token_ended_on_arrival",
                          "the token had ended before the issuer's answer arrived"));
  } else if (state_.token && state_.token->field_value == field_value) {
    take_same_token(expires);
  } else {
    take_new_token(std::move(field_value), started, expires);
  }
}

void TokenSlot::take_same_token(const Instant& expires) {
  // The earlier end counts, so that an issuer which repeats "expires_in: 3600" does not lengthen a
  // token's life.
  auto token = std::make_shared<Token>(*state_.token);
  token->expires.boot = std::min(token->expires.boot, expires.boot);
  token->expires.wall = std::min(token->expires.wall, expires.wall);
  const BootTime ends = token->expires.boot;
  const bool valid = token->valid_at(now());
  state_.token = std::move(token);
  ++state_.same_token;
  if (!valid) {
    fail_attempt(unusable("consumer.token_ended_on_arrival",
                          "the issuer answered with a token that has ended"));
    return;
  }
  same_seen_ = true;
  failures_in_row_ = 0;
  state_.status = TokenStatus::fresh;
  state_.why = {};
  state_.retry_at = BootTime::min();
  publish();
  // Halving what remains finds the issuer's window in a few questions, whatever it is.
  const BootClock::duration rest = ends - home_.now();
  const bool worth_asking_before_the_end = rest / 2 >= options_.backoff_first;
  home_.arm(*timer_, worth_asking_before_the_end ? home_.now() + rest / 2 : ends);
}

void TokenSlot::take_new_token(Secret field_value, const Instant& started, const Instant& expires) {
  if (same_seen_ && state_.token) {
    learned_window_ =
        std::max(state_.token->expires.boot - started.boot, BootClock::duration::zero());
  }
  same_seen_ = false;
  last_refused_ = false;
  failures_in_row_ = 0;
  obtained_ = home_.now();
  auto token = std::make_shared<Token>();
  token->field_value = std::move(field_value);
  token->generation = ++last_generation_;
  token->expires = expires;
  state_.token = std::move(token);
  state_.status = TokenStatus::fresh;
  state_.why = {};
  state_.retry_at = BootTime::min();
  ++state_.grants;
  publish();
  home_.arm(*timer_, renewal_time(started, expires));
}

BootTime TokenSlot::renewal_time(const Instant& started, const Instant& expires) {
  const double span = options_.renew_share_max - options_.renew_share_min;
  const double share = options_.renew_share_min + span * entropy_.unit();
  const auto lifetime = std::chrono::duration<double, std::nano>(expires.boot - started.boot);
  BootTime when = started.boot + std::chrono::duration_cast<BootClock::duration>(lifetime * share);
  if (learned_window_) when = std::max(when, expires.boot - *learned_window_);
  if (when > home_.now()) return when;
  // After an answer that took most of the lifetime, or a token that another process has had for
  // long: within what is left, not at once, and not when the others do who are as late.
  const auto rest = std::chrono::duration<double, std::nano>(expires.boot - home_.now());
  const double soon = 0.25 + 0.25 * entropy_.unit();
  return home_.now() + std::chrono::duration_cast<BootClock::duration>(rest * soon);
}

void TokenSlot::fail_attempt(TokenFailure failure) {
  ++state_.failures;
  state_.status = status_after_failure(failure.permanent);
  BootClock::duration pause =
      failure.permanent ? backoff(options_.misconfigured_retry, options_.misconfigured_retry, 0)
                        : backoff(options_.backoff_first, options_.backoff_max, failures_in_row_);
  ++failures_in_row_;
  if (failure.retry_after) {
    const BootClock::duration obeyed =
        std::min<BootClock::duration>(*failure.retry_after, options_.retry_after_max);
    pause = std::max(pause, obeyed);
  }
  state_.why = std::move(failure.error);
  state_.retry_at = home_.now() + pause;
  publish();
  home_.arm(*timer_, state_.retry_at);
}

TokenStatus TokenSlot::status_after_failure(bool permanent) const {
  if (permanent) return TokenStatus::misconfigured;
  if (state_.token && state_.token->valid_at(now())) return TokenStatus::stale_valid;
  if (state_.status == TokenStatus::rejected) return TokenStatus::rejected;
  return state_.grants == 0 ? TokenStatus::empty : TokenStatus::expired;
}

BootClock::duration TokenSlot::backoff(std::chrono::milliseconds first,
                                       std::chrono::milliseconds max, uint32_t times) {
  constexpr uint32_t doublings_max = 20;  // far beyond any cap, and no overflow
  const std::chrono::milliseconds full =
      std::min(max, first * (1u << std::min(times, doublings_max)));
  const auto nanoseconds = std::chrono::duration<double, std::nano>(full);
  return std::chrono::duration_cast<BootClock::duration>(nanoseconds *
                                                         (0.5 + 0.5 * entropy_.unit()));
}

void TokenSlot::on_rejected(uint64_t generation) {
  // Another generation: the call had used an older token, and a newer one must not suffer for it.
  if (!state_.token || state_.token->generation != generation) return;
  const bool at_once = home_.now() - obtained_ < options_.refused_at_once;
  refused_in_row_ = at_once ? refused_in_row_ + 1 : 1;
  refused_value_ = state_.token->field_value;
  last_refused_ = true;
  state_.token = nullptr;
  state_.status = TokenStatus::rejected;
  const BootTime pause_of_failures = failures_in_row_ > 0 ? state_.retry_at : BootTime::min();
  if (refused_in_row_ >= 2) {
    const auto pause = backoff(options_.breaker_first, options_.breaker_max, refused_in_row_ - 2);
    state_.retry_at = std::max(pause_of_failures, home_.now() + pause);
    state_.why = make_error(ErrorKind::unavailable, "consumer.fresh_token_refused",
                            "the provider refuses new tokens of this client at once");
  } else if (pause_of_failures <= home_.now()) {
    state_.retry_at = BootTime::min();
    state_.why = {};
  }
  publish();
  if (renewing_) return;
  if (state_.retry_at > home_.now()) {
    home_.arm(*timer_, state_.retry_at);
  } else {
    begin_renewal();
  }
}

void TokenSlot::publish() {
  state_.sharing = source_.sharing();
  published_.publish(std::make_shared<const SlotState>(state_));
  wake_readers();
}

void TokenSlot::wake_readers() {
  const std::lock_guard lock(readers_mutex_);
  for (const ReaderEntry& entry : readers_) {
    entry.executor->post([weak = entry.side] {
      const std::shared_ptr<LoopSide> side = weak.lock();
      if (!side) return;
      side->asked = false;
      side->changed.set();
      side->changed.reset();
    });
  }
}

void TokenSlot::add_reader(Executor& executor, const std::shared_ptr<LoopSide>& side) {
  const std::lock_guard lock(readers_mutex_);
  readers_.push_back({&executor, side});
}

void TokenSlot::remove_reader(const std::shared_ptr<LoopSide>& side) {
  const std::lock_guard lock(readers_mutex_);
  std::erase_if(readers_, [&](const ReaderEntry& entry) {
    return !entry.side.owner_before(side) && !side.owner_before(entry.side);
  });
}

}  // namespace countersign::consumer
