// Processes that share tokens, killed and stopped while they renew them (design §4.2): at most one
// grant for each number, no older token over a newer one, no call without a token, nobody waits
// beyond its deadline, and all end with the same token.

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "consumer/slot_identity.h"
#include "core/entropy.h"
#include "core/temporary_folder.h"
#include "counting_issuer.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"
#include "store/postgres_token_store.h"
#include "store/sealing_keys.h"
#include "store/sqlite_token_store.h"
#include "support/postgres_server.h"

namespace countersign::chaos {
namespace {

using namespace std::chrono_literals;

constexpr size_t processes = 8;
constexpr int rounds = 24;

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().for_log());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// Which process suffers what, the same in every run; when it does is the machine's chance.
class Chance final {
 public:
  explicit Chance(uint64_t seed) : state_(seed) { fmt::print("seed {}\n", seed); }
  size_t below(size_t count) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % count;
  }

 private:
  uint64_t state_;
};

// Looks at the row all the time, as one more process of the fleet that asks for nothing.
class RowWatch final {
 public:
  RowWatch(std::unique_ptr<store::TokenStore> store, std::string slot)
      : store_(std::move(store)), slot_(std::move(slot)), thread_([this] { watch(); }) {}
  ~RowWatch() {
    stopping_ = true;
    thread_.join();
  }
  RowWatch(const RowWatch&) = delete;

  uint64_t generation() const { return generation_; }
  bool lives_long() const { return lives_long_; }
  int went_back() const { return went_back_; }
  int looks() const { return looks_; }

 private:
  void watch() {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!stopping_) {
      if (const auto row = store_->read(slot_)) look(*row);
      never.wait_for(lock, 5ms);
    }
  }
  void look(const store::TokenRow& row) {
    ++looks_;
    if (row.generation < generation_ || row.claimed < row.generation) ++went_back_;
    lives_long_ = row.token && row.token->expires_in > 1h;
    generation_ = row.generation;
  }

  std::unique_ptr<store::TokenStore> store_;
  std::string slot_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> lives_long_ = false;
  std::atomic<uint64_t> generation_ = 0;
  std::atomic<int> went_back_ = 0;
  std::atomic<int> looks_ = 0;
  std::thread thread_;
};

class Fleet : public ::testing::Test {
 protected:
  // `where` as chaos_child takes it.
  void start(std::string where) {
    where_ = std::move(where);
    must(drill::write_private_file(folder_ / "keys",
                                   store::SealingKeys::new_line(1, entropy_).unsafe_reveal_text()));
    for (size_t i = 0; i < processes; ++i) children_.push_back(start_child());
  }
  std::unique_ptr<drill::ChildProcess> start_child() {
    auto child = must(drill::ChildProcess::start(
        {.argv = {CHAOS_CHILD, where_, folder_ / "keys", std::to_string(issuer_.port())}}));
    must(child->wait_for_line([](std::string_view line) { return line == "ready"; }));
    return child;
  }
  static std::string slot() {
    return consumer::slot_identity({.issuer = "https://issuer.example", .client_id = "chaos"});
  }

  void do_harm(RowWatch& row) {
    Chance chance(20270115);
    std::deque<std::pair<size_t, int>> stopped;  // child, rounds to go
    for (int round = 0; round < rounds; ++round) {
      const size_t victim = choose(chance);
      const bool is_stopped =
          std::ranges::any_of(stopped, [&](auto s) { return s.first == victim; });
      const size_t what = chance.below(4);
      if (what == 0 && !is_stopped) {
        children_[victim]->signal(SIGUSR2);
        ++refusals_;
      } else if (what == 1 || is_stopped) {
        keep_output(*children_[victim]);
        children_[victim]->kill();
        std::erase_if(stopped, [&](auto s) { return s.first == victim; });
        children_[victim] = start_child();
        ++kills_;
      } else {
        children_[victim]->signal(SIGSTOP);
        stopped.emplace_back(victim, 1 + static_cast<int>(chance.below(4)));
        ++stops_;
      }
      for (auto& [child, left] : stopped)
        if (--left == 0) children_[child]->signal(SIGCONT);
      std::erase_if(stopped, [](auto s) { return s.second <= 0; });
      ASSERT_EQ(row.went_back(), 0);
    }
    for (auto& [child, left] : stopped) children_[child]->signal(SIGCONT);
  }
  // Every second time whoever is asking the issuer just then: the owner of the lease.
  size_t choose(Chance& chance) {
    const auto asker = issuer_.wait_for_asker(400ms);
    const size_t any = chance.below(children_.size());
    if (!asker || chance.below(2) == 0) return any;
    const auto found =
        std::ranges::find(children_, *asker, [](auto& child) { return child->pid(); });
    return found == children_.end() ? any : static_cast<size_t>(found - children_.begin());
  }

  // Tokens live long from here on; until the row has such a one and all processes use it.
  void settle(RowWatch& row) {
    issuer_.set_lifetime(24h);
    for (;;) {
      while (!row.lives_long()) issuer_.wait_for_asker(50ms);
      const uint64_t generation = row.generation();
      for (const auto& child : children_) {
        must(child->wait_for_line([&](std::string_view line) {
          return line.starts_with("generation ") && number_of(line) >= generation;
        }));
      }
      if (row.generation() == generation) break;
    }
  }
  // Of "generation N".
  static uint64_t number_of(std::string_view line) {
    line.remove_prefix(line.find(' ') + 1);
    uint64_t number = 0;
    std::from_chars(line.data(), line.data() + line.size(), number);
    return number;
  }
  void keep_output(const drill::ChildProcess& child) { output_ += child.output(); }

  void run(std::string where, std::unique_ptr<store::TokenStore> own) {
    start(std::move(where));
    RowWatch row(std::move(own), slot());
    do_harm(row);
    settle(row);
    for (const auto& child : children_) {
      EXPECT_EQ(child->terminate(), 0);
      keep_output(*child);
    }
    EXPECT_EQ(row.went_back(), 0);
    EXPECT_GT(row.looks(), 100);
    check_output();
    check_grants(row.generation());
  }
  void check_output() const {
    EXPECT_EQ(output_.find("violation"), std::string::npos) << lines_with("violation");
    for (const std::string_view secret : {"chaos.", "a secret of this test", "Bearer"})
      EXPECT_EQ(output_.find(secret), std::string::npos) << "a secret in the output: " << secret;
    EXPECT_NE(output_.find("calls "), std::string::npos);
  }
  std::string lines_with(std::string_view word) const {
    std::string found;
    for (size_t at = 0; at < output_.size();) {
      const size_t end = std::min(output_.find('\n', at), output_.size());
      const std::string_view line = std::string_view(output_).substr(at, end - at);
      if (line.find(word) != std::string_view::npos) found += std::string(line) + "\n";
      at = end + 1;
    }
    return found;
  }
  void check_grants(uint64_t generation) const {
    const auto grants = issuer_.grants();
    int alone = 0;
    for (const auto& [claimed, count] : grants) {
      if (claimed == 0) {
        alone = count;
      } else {
        EXPECT_EQ(count, 1) << "grants under the number " << claimed;
      }
    }
    EXPECT_GT(generation, 5u);
    fmt::print(
        "kills {}, stops {}, refusals {}; generation {}, numbers asked under {}, grants without "
        "the "
        "store {}\n{}",
        kills_, stops_, refusals_, generation, grants.size(), alone, lines_with("calls "));
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  TemporaryFolder folder_;
  CountingIssuer issuer_;
  std::string where_;
  std::vector<std::unique_ptr<drill::ChildProcess>> children_;
  std::string output_;
  int kills_ = 0;
  int stops_ = 0;
  int refusals_ = 0;
};

TEST_F(Fleet, SharesTokensThroughASqliteFileWhateverHappensToItsProcesses) {
  const std::string path = folder_ / "tokens.db";
  run("sqlite:" + path, must(store::SqliteTokenStore::open({.path = path}, clock_)));
}

TEST_F(Fleet, SharesTokensThroughPostgresqlWhateverHappensToItsProcesses) {
  if (!testing::PostgresServer::installed())
    GTEST_SKIP() << testing::PostgresServer::how_to_install;
  auto& server = testing::PostgresServer::shared();
  const std::string conninfo = server.conninfo(server.create_database());
  store::PostgresOptions options;
  options.conninfo = conninfo;
  run("postgres:" + conninfo, must(store::PostgresTokenStore::open(std::move(options), clock_)));
}

}  // namespace
}  // namespace countersign::chaos
