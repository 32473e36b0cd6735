// Several "processes", each with a slot of its own, that share tokens through one SQLite file on
// one fake clock. For the tests of sharing.

#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "consumer/slot.h"
#include "consumer/slot_identity.h"
#include "consumer/token_sharing.h"
#include "core/temporary_folder.h"
#include "store/sealing_keys.h"
#include "store/sqlite_token_store.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_token_source.h"
#include "support/test_executor.h"

namespace countersign::consumer {

// A store that can be away, and whose answers can be lost after it did what was asked.
class FlakyTokenStore final : public store::TokenStore {
 public:
  explicit FlakyTokenStore(std::unique_ptr<store::TokenStore> store) : store_(std::move(store)) {}

  Result<store::TokenRow> read(std::string_view slot) override {
    return pass("read", [&] { return store_->read(slot); });
  }
  Result<store::Claim> claim(std::string_view slot, std::string_view owner, uint64_t seen,
                             uint64_t rejected, std::chrono::microseconds lease_for) override {
    return pass("claim", [&] { return store_->claim(slot, owner, seen, rejected, lease_for); });
  }
  Result<bool> publish(std::string_view slot, std::string_view owner, uint64_t claimed,
                       const store::SealedToken& token) override {
    return pass("publish", [&] { return store_->publish(slot, owner, claimed, token); });
  }
  Result<bool> release(std::string_view slot, std::string_view owner, uint64_t claimed,
                       std::chrono::microseconds closed_for) override {
    return pass("release", [&] { return store_->release(slot, owner, claimed, closed_for); });
  }
  Result<std::vector<std::string>> slots_to_rekey(uint32_t version) override {
    return store_->slots_to_rekey(version);
  }
  Result<bool> replace_sealed(std::string_view slot, uint64_t generation, uint32_t old_version,
                              ByteView sealed, uint32_t new_version) override {
    return store_->replace_sealed(slot, generation, old_version, sealed, new_version);
  }

  // Set and read by the test while the worker has nothing to do.
  bool away = false;
  std::string lose_answer_of;            // once
  std::function<void()> before_publish;  // once; on the worker
  std::atomic<int> operations = 0;

 private:
  template <typename Operation>
  auto pass(std::string_view name, Operation operation) -> decltype(operation()) {
    ++operations;
    if (away) return fail(ErrorKind::unavailable, "test.store_away", "the store is away");
    if (name == "publish" && before_publish) std::exchange(before_publish, nullptr)();
    auto result = operation();
    if (lose_answer_of != name) return result;
    lose_answer_of.clear();
    return fail(ErrorKind::unavailable, "test.answer_lost", "the store's answer was lost");
  }

  std::unique_ptr<store::TokenStore> store_;
};

class TextSink final : public LogSink {
 public:
  void write(std::string_view line) noexcept override { text.append(line); }
  size_t count(std::string_view word) const {
    size_t found = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
      ++found;
    return found;
  }
  std::string text;
};

class SharedTokens : public ::testing::Test {
 protected:
  static SlotKey slot_key() { return {.issuer = "https://issuer.example", .client_id = "c1"}; }

  struct Process {
    Process(SharedTokens& test, const store::SealingKeys& keys, SlotOptions options)
        : clock(test.clock_),
          loop(test.loop_),
          issuer(test.loop_),
          store(std::make_shared<FlakyTokenStore>(test.open_store())),
          sharing({.store = store,
                   .keys = std::make_shared<const store::SealingKeys>(keys),
                   .home = test.loop_,
                   .worker = worker,
                   .clock = test.clock_,
                   .entropy = test.entropy_,
                   .log = test.log_}),
          source(sharing.share(slot_key(), issuer, options)) {
      slot.emplace(slot_key(), *source, loop, clock, test.entropy_, options);
      reader.emplace(*slot, loop);
      issuer.on_ask([&test] { return test.grant(); });
    }

    std::string value() {
      const Token* token = reader->current({clock.boot_now(), clock.wall_now()});
      return token ? std::string(token->field_value.unsafe_reveal_text()) : "none";
    }
    uint64_t generation() { return slot->state()->token ? slot->state()->token->generation : 0; }
    SharingState state() const { return source->sharing(); }
    // All that was submitted has run.
    void finish_work() {
      std::promise<void> done;
      if (worker.submit([&] { done.set_value(); })) done.get_future().wait();
    }

    testing::FakeClock& clock;
    testing::TestExecutor& loop;
    testing::FakeTokenSource issuer;
    std::shared_ptr<FlakyTokenStore> store;
    Worker worker{{.threads = 1}};
    TokenSharing sharing;
    std::unique_ptr<TokenSource> source;
    std::optional<TokenSlot> slot;
    std::optional<TokenSlot::Reader> reader;
  };

  Process& process(SlotOptions options = {}) { return process(keys_, options); }
  Process& process(const store::SealingKeys& keys, SlotOptions options = {}) {
    processes_.push_back(std::make_unique<Process>(*this, keys, options));
    return *processes_.back();
  }
  // Starts its slot and lets it have a token.
  Process& started(SlotOptions options = {}) {
    Process& made = process(options);
    made.slot->start();
    settle();
    return made;
  }
  void end(Process& which) {
    std::erase_if(processes_, [&](const auto& process) { return process.get() == &which; });
  }

  std::unique_ptr<store::TokenStore> open_store() {
    return *store::SqliteTokenStore::open({.path = folder_ / "tokens.db"}, clock_);
  }
  store::TokenRow row() { return *open_store()->read(slot_identity(slot_key())); }
  static store::SealingKeys new_keys(uint32_t version) {
    SystemEntropy entropy;
    return *store::SealingKeys::parse(store::SealingKeys::new_line(version, entropy));
  }

  // "t1", "t2", …: what the one issuer of all processes grants.
  testing::FakeTokenSource::Answer grant() {
    ++grants_;
    return testing::FakeGrant{
        .token = "t" + std::to_string(grants_), .lifetime = lifetime_, .delay = issuer_delay_};
  }

  // Everything that can be done at this time, on the loop and on the workers.
  void settle() {
    // Counted while the workers are idle: over once the loop gives them nothing more to do.
    for (int before = -1, after = finished_operations(); after != before;) {
      before = after;
      loop_.run();
      after = finished_operations();
    }
  }
  int finished_operations() {
    int count = 0;
    for (const auto& process : processes_) {
      process->finish_work();
      count += process->store->operations;
    }
    return count;
  }
  void pass(std::chrono::nanoseconds time) {
    settle();
    // From timer to timer, so that at each the workers have done all that the one before gave them.
    for (const BootTime end = clock_.boot_now() + time; clock_.boot_now() < end; settle())
      loop_.advance(std::min(loop_.next_timer(), end) - clock_.boot_now());
  }

  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  testing::TestExecutor loop_{clock_};
  TemporaryFolder folder_;
  TextSink sink_;
  Log log_{clock_, sink_};
  store::SealingKeys keys_ = new_keys(1);
  int grants_ = 0;
  std::chrono::seconds lifetime_{100};
  std::chrono::nanoseconds issuer_delay_{};
  std::deque<std::unique_ptr<Process>> processes_;
};

}  // namespace countersign::consumer
