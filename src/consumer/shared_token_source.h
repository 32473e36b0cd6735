// SharedTokenSource: stands between a slot and its issuer and shares tokens with the other
// processes that have the same slot (design §4.2). Made by TokenSharing.
//
// A fetch() first looks into the store's row. A token there that is newer than the one given last
// is adopted. Otherwise one process claims the next generation and asks the issuer, once; the
// others watch the row, never the issuer. Who was stopped between claim and request does not send:
// its number is spent, and the next process takes the next one. A failure closes the row for the
// pause that it asks for, so that all share it.
//
// While the store is away this process renews alone, when its slot asks for it and no more often.
// A token obtained so is offered to the row once the store is back, unless the row has a younger
// one: the other processes, which are as alone, then need not ask for their next.
//
// Fails closed: a token that does not open under the sealing keys as this row's own is not used.
//
// models/token_lease.pml is this protocol for spin.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consumer/token_sharing.h"

namespace countersign::consumer {

class SharedTokenSource final : public TokenSource {
 public:
  SharedTokenSource(TokenSharing& sharing, const SlotKey& key, std::string owner,
                    TokenSource& issuer, const SlotOptions& slot);
  // On the home thread, or after it has ended. A claim that is held runs out by itself.
  ~SharedTokenSource() override;

  Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest request) override;
  void listen(TokenListener* listener) override { listener_ = listener; }
  SharingState sharing() const override;

 private:
  using Outcome = std::expected<TokenGrant, TokenFailure>;

  struct Held {
    Secret token = {};
    Instant started{};  // of the request for it
    std::chrono::seconds lifetime{};
    uint64_t claimed = 0;  // the number under which this process asked for it; 0: none
  };
  // Keeps fetch() and offer() from working on the row at one time: they would take each other's
  // claim for their own.
  class Busy final {
   public:
    explicit Busy(SharedTokenSource& source) : source_(source) { source_.busy_ = true; }
    Busy(const Busy&) = delete;
    ~Busy() {
      source_.busy_ = false;
      source_.free_.set();
      source_.free_.reset();
    }

   private:
    SharedTokenSource& source_;
  };

  // An error is the store's: it is away. A failure within the Outcome is the issuer's, or nobody's.
  // `patience`: for a token request, if this process makes one. Another's is waited for as long as
  // its lease runs: to be told sooner would fail calls that have time to wait.
  Task<Result<Outcome>> fetch_shared(BootClock::duration patience);
  Task<Result<Outcome>> ask_under(uint64_t claimed, BootTime lease_end, BootTime deadline);
  Task<Result<Outcome>> publish_or_adopt(Held fresh);
  Task<Outcome> ask_alone(BootTime deadline);
  Task<void> release(uint64_t claimed, BootClock::duration closed_for);

  // In shared_token_row.cc.
  RunOn<store::TokenRow> read_row();
  RunOn<store::Claim> claim_next(uint64_t seen_generation, std::chrono::microseconds lease);
  RunOn<bool> publish_token(const Held& fresh, uint64_t claimed);
  // `read_at`: before the row was asked for.
  std::optional<TokenGrant> adopt(const store::TokenRow& row, const Instant& read_at);
  bool adoptable(const store::TokenRow& row, const Instant& read_at) const;
  void follow(const store::TokenRow& row);
  // The token given last is not in the store, and could be.
  bool unshared() const { return held_ && given_ == 0 && !given_refused_; }
  void note_shared(uint64_t generation);
  void note_refusal();
  bool holds_unused_claim(const store::TokenRow& row) const;
  static bool is_closed(const store::TokenRow& row);
  TokenFailure closed_row(const store::TokenRow& row);
  void check_grant(Outcome& granted, const Instant& started) const;
  Held held_of(TokenGrant granted, const Instant& started, uint64_t claimed) const;
  std::chrono::seconds lifetime_of(const TokenGrant& granted) const;
  TokenGrant give(Held fresh);
  static TokenGrant grant_of(const Held& held);
  BootClock::duration count_failure(TokenFailure& failure);

  // In shared_token_watch.cc.
  Task<void> watch();
  Task<Result<void>> look();
  Task<Result<void>> offer(store::TokenRow row);

  Instant now() const;
  BootClock::duration jittered(BootClock::duration most) const;

  TokenSharing& sharing_;
  std::string slot_;   // the row's name
  std::string owner_;  // this source, in the row's lease
  TokenSource& issuer_;
  SlotOptions options_;
  TokenListener* listener_ = nullptr;

  uint64_t newest_ = 0;        // newest shared generation that was given to the slot
  uint64_t given_ = 0;         // generation of the token given last; 0: it is unshared
  uint64_t rejected_ = 0;      // generations up to this one were refused here
  uint64_t told_refused_ = 0;  // generations up to this one were refused elsewhere: the slot knows
  uint64_t unreadable_ = 0;    // newest generation that did not open
  uint64_t asked_under_ = 0;   // newest claimed number that was used, for a request or an offer
  uint64_t closed_seen_ = 0;   // claimed number whose failure was counted
  std::optional<Held> held_;   // the token given last
  bool given_refused_ = false;
  uint32_t failures_in_row_ = 0;
  SharingState counts_;
  bool told_alone_ = false;

  bool busy_ = false;  // a fetch() or an offer is under way
  Event free_;
  Task<void> watching_;
  bool watch_started_ = false;
};

}  // namespace countersign::consumer
