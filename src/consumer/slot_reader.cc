// TokenSlot::Reader: one loop thread's view of a slot, and how its waiters are woken.

#include <algorithm>
#include <utility>

#include "consumer/slot.h"
#include "consumer/slot_loop_side.h"

namespace countersign::consumer {

TokenSlot::Reader::Reader(TokenSlot& slot, Executor& executor)
    : slot_(slot),
      executor_(executor),
      published_(slot.published_),
      side_(std::make_shared<LoopSide>(executor)) {
  slot_.add_reader(executor_, side_);
}

TokenSlot::Reader::~Reader() {
  slot_.remove_reader(side_);
}

Instant TokenSlot::Reader::now() const {
  return {executor_.now(), slot_.clock_.wall_now()};
}

std::shared_ptr<const Token> TokenSlot::Reader::share(const Instant& now) {
  const Token* token = current(now);
  if (!token) return nullptr;
  // One owner a loop, copied many times: the reference count then stays in this thread's cache.
  if (!held_ || held_->get() != token) {
    held_ = std::make_shared<const std::shared_ptr<const Token>>(published_.get()->token);
  }
  return {held_, token};
}

Task<std::expected<void, NotReady>> TokenSlot::Reader::wait(BootTime deadline) {
  for (;;) {
    if (current(now())) co_return std::expected<void, NotReady>();
    if (auto failure = failure_to_share(deadline)) co_return std::unexpected(*std::move(failure));
    ask();
    const bool in_time = co_await side_->changed.wait(deadline);
    if (!in_time && !current(now())) {
      co_return std::unexpected(
          NotReady{.error = make_error(ErrorKind::timed_out, "consumer.token_wait_timeout",
                                       "no access token could be had within the call's time"),
                   .retry_after = std::chrono::seconds(1)});
    }
  }
}

std::optional<NotReady> TokenSlot::Reader::failure_to_share(BootTime deadline) {
  const SlotState& state = *published_.get();
  if (state.why.code.empty()) return std::nullopt;
  const BootClock::duration pause = state.retry_at - executor_.now();
  if (state.status != TokenStatus::misconfigured) {
    if (pause <= BootClock::duration::zero()) return std::nullopt;  // the next attempt is under way
    if (pause <= slot_.options_.wait_for_retry_max && state.retry_at < deadline)
      return std::nullopt;
  }
  return NotReady{.error = state.why,
                  .retry_after = std::max<BootClock::duration>(pause, std::chrono::seconds(1))};
}

void TokenSlot::Reader::ask() {
  if (std::exchange(side_->asked, true)) return;
  slot_.home_.post([&slot = slot_, alive = std::weak_ptr(slot_.alive_)] {
    if (!alive.expired()) slot.on_wanted();
  });
}

void TokenSlot::Reader::reject(uint64_t generation) {
  if (generation <= refused_) return;
  refused_ = generation;
  slot_.home_.post([&slot = slot_, alive = std::weak_ptr(slot_.alive_), generation] {
    if (!alive.expired()) slot.on_rejected(generation);
  });
}

}  // namespace countersign::consumer
