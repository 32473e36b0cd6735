// A slot with one reader over a scripted source, on a loop whose time is advanced by hand. For the
// slot's tests.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "consumer/slot.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_token_source.h"
#include "support/test_executor.h"

namespace countersign::consumer {

class TokenSlotTest : public ::testing::Test {
 protected:
  Instant now() const { return {clock_.boot_now(), clock_.wall_now()}; }

  TokenSlot& slot(SlotOptions options = {}) {
    slot_.emplace(SlotKey{.issuer = "https://issuer.example", .client_id = "c1"}, source_, loop_,
                  clock_, entropy_, options);
    reader_.emplace(*slot_, loop_);
    return *slot_;
  }
  // Starts the slot and lets it have its first token.
  TokenSlot& started_slot(SlotOptions options = {}) {
    slot(options).start();
    loop_.run();
    return *slot_;
  }
  std::string value() {
    const Token* token = reader_->current(now());
    return token ? std::string(token->field_value.unsafe_reveal_text()) : "none";
  }
  TokenStatus status() const { return slot_->state()->status_at(now()); }

  struct Waiter {
    std::optional<std::expected<void, NotReady>> result;
  };
  Task<void> wait_into(Waiter& waiter, BootTime deadline) {
    auto result = co_await reader_->wait(deadline);
    waiter.result.emplace(std::move(result));
  }
  // A waiter that runs until it ends.
  std::unique_ptr<Waiter> spawn_waiter(
      std::chrono::nanoseconds patience = std::chrono::seconds(30)) {
    auto waiter = std::make_unique<Waiter>();
    loop_.spawn(wait_into(*waiter, loop_.now() + patience));
    return waiter;
  }

  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  testing::TestExecutor loop_{clock_};
  testing::FakeTokenSource source_{loop_};
  std::optional<TokenSlot> slot_;
  std::optional<TokenSlot::Reader> reader_;
};

}  // namespace countersign::consumer
