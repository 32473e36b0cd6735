// TokenSlot: one token, kept fresh for every thread of the process (design §4.1).
//
// A slot belongs to its home executor, which alone renews. Each loop thread has a Reader: reading
// the current token is one load and a few compares, without lock or system call. Renewal is
// single-flight, starts ahead of need and belongs to the slot: who waits for a token waits with a
// deadline of its own, and giving up ends only that wait.
//
// Fails closed: a token that ended on either clock, or was refused, is never handed out.
//
// Does not share tokens between processes (shared_token_source.h does), and does not look into a
// token.

#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "consumer/token.h"
#include "consumer/token_source.h"
#include "core/entropy.h"
#include "core/executor.h"
#include "core/published.h"
#include "core/task.h"

namespace countersign::consumer {

struct SlotOptions {
  // Renewal starts at a share of the lifetime drawn between these two, so that processes started
  // together do not ask together. A share, not a margin in seconds: a token of two seconds is
  // renewed after 1.2 to 1.6 s.
  double renew_share_min = 0.6;
  double renew_share_max = 0.8;
  // For an answer without expires_in (RFC 6749 §5.1 leaves it out at will). Shorter than what
  // issuers commonly grant.
  std::chrono::seconds assumed_lifetime{300};
  // A longer grant is renewed as if it ended here: "for ever" would outlive every change of policy.
  std::chrono::seconds lifetime_max{24 * 3600};
  // One token request, discovery included. An issuer slower than this is taken to be away.
  std::chrono::milliseconds request_timeout{10'000};
  // After a failure: doubled each time, and jittered down to half, so that an issuer that comes
  // back is not overrun.
  std::chrono::milliseconds backoff_first{250};
  std::chrono::milliseconds backoff_max{30'000};
  // The longest Retry-After that is obeyed; a mistaken answer cannot switch the slot off for a day.
  std::chrono::seconds retry_after_max{300};
  // After invalid_client and its like: often enough to notice a repair at the issuer, too rarely to
  // look like an attack.
  std::chrono::seconds misconfigured_retry{300};
  // A caller without a token is kept for a retry that is at most this far away; otherwise it is
  // told at once.
  std::chrono::milliseconds wait_for_retry_max{1'000};
  // A token refused sooner than this after it was obtained was refused "at once".
  std::chrono::seconds refused_at_once{10};
  // The breaker: the pause after a second token in a row was refused at once. Doubled each time.
  std::chrono::milliseconds breaker_first{1'000};
  std::chrono::milliseconds breaker_max{60'000};
};

// What a slot publishes, and what an operator may see.
struct SlotState {
  std::shared_ptr<const Token> token = {};  // null: none, or refused
  TokenStatus status = TokenStatus::empty;
  Error why = {};                       // of the last failure; empty code: none
  BootTime retry_at = BootTime::min();  // after a failure: nothing is asked before this
  uint64_t grants = 0;                  // tokens obtained
  uint64_t failures = 0;                // attempts that gave none
  uint64_t same_token = 0;              // answers with the token that was there already
  SharingState sharing = {};            // with other processes, as of the last change

  // `status` as it is at `now`: a token may have ended since it was published.
  TokenStatus status_at(const Instant& now) const;
};

// Why there is no token to attach.
struct NotReady {
  Error error = {};
  BootClock::duration retry_after{};  // when asking again makes sense; 0: not known
};

class TokenSlot final {
 public:
  // All references outlive the slot. `source` is used on `home` only, and by this slot alone.
  TokenSlot(SlotKey key, TokenSource& source, Executor& home, const Clock& clock, Entropy& entropy,
            SlotOptions options = {});
  // On the home thread, or after it has ended; all Readers are gone. A token request under way is
  // given up.
  ~TokenSlot();
  TokenSlot(const TokenSlot&) = delete;
  TokenSlot& operator=(const TokenSlot&) = delete;

  // On the home thread: asks for the first token now, so that the first call finds it.
  void start();

  const SlotKey& key() const { return key_; }
  // For status pages and logs, on any thread.
  std::shared_ptr<const SlotState> state() const { return published_.load(); }

  class Reader;

 private:
  struct LoopSide;
  class RenewTimer;
  class FromSource;
  struct ReaderEntry {
    Executor* executor;
    std::weak_ptr<LoopSide> side;
  };

  // All below on the home thread, except add/remove of readers.
  void add_reader(Executor& executor, const std::shared_ptr<LoopSide>& side);
  void remove_reader(const std::shared_ptr<LoopSide>& side);
  void wake_readers();
  void publish();
  void on_wanted();
  void on_rejected(uint64_t generation);
  void begin_renewal();
  Task<void> renew();
  void take(const TokenGrant& grant, const Instant& started);
  void take_same_token(const Instant& expires);
  void take_new_token(Secret field_value, const Instant& started, const Instant& expires);
  void fail_attempt(TokenFailure failure);
  TokenStatus status_after_failure(bool permanent) const;
  BootTime renewal_time(const Instant& started, const Instant& expires);
  BootClock::duration backoff(std::chrono::milliseconds first, std::chrono::milliseconds max,
                              uint32_t times);
  Instant now() const { return {home_.now(), clock_.wall_now()}; }

  SlotKey key_;
  TokenSource& source_;
  Executor& home_;
  const Clock& clock_;
  Entropy& entropy_;
  SlotOptions options_;

  Published<SlotState> published_;
  SlotState state_;  // changed here, then published as a whole
  std::unique_ptr<RenewTimer> timer_;
  std::unique_ptr<FromSource> from_source_;
  Task<void> renewal_;
  bool renewing_ = false;
  uint64_t last_generation_ = 0;
  BootTime obtained_ = BootTime::min();  // when the current token arrived
  uint32_t failures_in_row_ = 0;
  uint32_t refused_in_row_ = 0;
  bool last_refused_ = false;  // the source does not know yet
  Secret refused_value_;  // the field value last refused: an issuer that repeats it gave nothing
  // Some issuers answer with the same token until shortly before its end. Then this is the
  // remaining life at which this one last gave a new token, and nothing is asked earlier.
  std::optional<BootClock::duration> learned_window_;
  bool same_seen_ = false;  // for the current generation
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);

  std::mutex readers_mutex_;
  std::vector<ReaderEntry> readers_;
};

// One loop thread's view of a slot. Made, used and destroyed on that thread. Slot and executor
// outlive it.
class TokenSlot::Reader final {
 public:
  Reader(TokenSlot& slot, Executor& executor);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The token to use at `now`; null: there is none, call wait(). Valid until the next call of this
  // Reader. `now` may be the loop's cached time.
  const Token* current(const Instant& now) {
    const Token* token = published_.get()->token.get();
    if (!token || !token->valid_at(now) || token->generation <= refused_) [[unlikely]]
      return nullptr;
    return token;
  }
  // The same, to be kept over a wait: valid as long as the pointer, even if the slot has a newer
  // one by then.
  std::shared_ptr<const Token> share(const Instant& now);

  // Returns when current() has a token. Errors: `consumer.token_wait_timeout`, or the failure that
  // all calls share at this time. Destroying the Task ends the wait and nothing else. The Task ends
  // before the Reader does.
  Task<std::expected<void, NotReady>> wait(BootTime deadline);

  // The provider refused this generation: it is not used again, here at once, elsewhere as soon as
  // the home thread has heard. A newer token stays.
  void reject(uint64_t generation);

 private:
  Instant now() const;
  std::optional<NotReady> failure_to_share(BootTime deadline);
  void ask();

  TokenSlot& slot_;
  Executor& executor_;
  Published<SlotState>::Reader published_;
  std::shared_ptr<LoopSide> side_;
  std::shared_ptr<const std::shared_ptr<const Token>> held_;
  uint64_t refused_ = 0;
};

}  // namespace countersign::consumer
