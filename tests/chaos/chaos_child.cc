// One process of the chaos test: a slot that shares its tokens, 64 callers on four loops, and a
// watch on what must never happen. It says so in lines: "generation N" whenever it uses another
// one, "violation: …" for what is wrong, "calls N waits N …" at its end (SIGTERM). SIGUSR2: the
// token in use is taken for refused.
//
// usage: chaos_child sqlite:PATH|postgres:CONNINFO KEY_FILE ISSUER_PORT

#include <atomic>
#include <charconv>
#include <csignal>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "consumer/slot.h"
#include "consumer/token_sharing.h"
#include "consumer/token_source.h"
#include "core/secret_file.h"
#include "net/client_pool.h"
#include "net/loop_thread.h"
#include "store/postgres_token_store.h"
#include "store/sqlite_token_store.h"

namespace countersign::chaos {
namespace {

using namespace std::chrono_literals;

constexpr int loops = 4;
constexpr int callers_of_a_loop = 16;
constexpr auto call_every = 20ms;
constexpr auto call_deadline = 10s;
constexpr auto beat = 50ms;

void say(const std::string& line) {
  const std::string whole = line + "\n";
  if (write(STDOUT_FILENO, whole.data(), whole.size()) < 0) _exit(3);
}
void violation(const std::string& what) {
  say("violation: " + what);
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    violation("cannot start: " + result.error().for_log());
    _exit(3);
  }
  return *std::move(result);
}

uint64_t number_in(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What the test's issuer writes into a token: "chaos.CLAIMED.SERIAL.ENDS", the end on this
// machine's boot clock in microseconds.
struct TokenText {
  uint64_t claimed = 0;
  uint64_t ends = 0;
};
TokenText parse_token(std::string_view field_value) {
  TokenText text;
  const size_t first = field_value.find('.');
  const size_t second = field_value.find('.', first + 1);
  const size_t third = field_value.find('.', second + 1);
  if (first == std::string_view::npos || third == std::string_view::npos) return text;
  text.claimed = number_in(field_value.substr(first + 1));
  text.ends = number_in(field_value.substr(third + 1));
  return text;
}

// Tells the issuer, in the path of the request, who asks under which number.
class CountedSource final : public consumer::TokenSource {
 public:
  CountedSource(http::Client& issuer, const Clock& clock, Entropy& entropy)
      : issuer_(issuer),
        clock_(clock),
        entropy_(entropy),
        authentication_(must(consumer::ClientAuthentication::create(
            *consumer::find_client_auth_method("client_secret_basic"),
            {.client_id = "chaos", .secret = Secret::copy_of("a secret of this test")}))) {}
  Task<std::expected<consumer::TokenGrant, consumer::TokenFailure>> fetch(
      consumer::FetchRequest request) override {
    consumer::OAuthTokenSource once(
        issuer_, clock_, entropy_,
        {.issuer = "https://issuer.example",
         .token_path = "/" + std::to_string(request.claimed) + "/" + std::to_string(getpid()),
         .auth = authentication_});
    co_return co_await once.fetch(request);
  }

 private:
  http::Client& issuer_;
  const Clock& clock_;
  Entropy& entropy_;
  consumer::ClientAuthentication authentication_;
};

// One loop with its callers.
class Callers final {
 public:
  Callers(consumer::TokenSlot& slot, const Clock& clock)
      : clock_(clock), thread_(must(net::LoopThread::create())), slot_(slot) {
    thread_->loop().post([this] {
      reader_.emplace(slot_, thread_->loop());
      thread_->loop().spawn(keep_beat());
      for (int i = 0; i < callers_of_a_loop; ++i) thread_->loop().spawn(call_for_ever());
    });
    thread_->start();
  }
  ~Callers() {
    thread_->stop();
    // The callers hold the reader's tasks: they end before it does.
    std::unique_ptr<net::LoopThread> ended = std::move(thread_);
    ended.reset();
  }
  Callers(const Callers&) = delete;

  void refuse_current() {
    thread_->loop().post([this] {
      const consumer::Token* token = reader_->current(now());
      if (token) reader_->reject(token->generation);
    });
  }
  uint64_t calls() const { return calls_; }
  uint64_t waits() const { return waits_; }

 private:
  consumer::Instant now() const { return {clock_.boot_now(), clock_.wall_now()}; }

  // How long this thread did not run: it was stopped, or had no processor.
  Task<void> keep_beat() {
    BootTime last = clock_.boot_now();
    for (;;) {
      co_await sleep_for(thread_->loop(), beat);
      const BootTime here = clock_.boot_now();
      missed_ += std::max(here - last - BootClock::duration(beat), BootClock::duration::zero());
      last = here;
    }
  }

  Task<void> call_for_ever() {
    for (;;) {
      co_await sleep_for(thread_->loop(), call_every);
      const consumer::Instant before = now();
      if (const consumer::Token* token = reader_->current(before)) {
        use(*token, before);
        continue;
      }
      ++waits_;
      co_await wait_for_a_token();
    }
  }

  void use(const consumer::Token& token, const consumer::Instant& at) {
    ++calls_;
    const TokenText text = parse_token(token.field_value.unsafe_reveal_text());
    const auto here =
        std::chrono::duration_cast<std::chrono::microseconds>(at.boot.time_since_epoch());
    if (text.ends <= static_cast<uint64_t>(here.count())) violation("a token that has ended");
    if (text.claimed == 0) return;  // had while the store was away
    if (text.claimed < newest_) violation("an older token after a newer one");
    newest_ = text.claimed;
  }

  Task<void> wait_for_a_token() {
    const BootTime deadline = clock_.boot_now() + call_deadline;
    const BootClock::duration missed_before = missed_;
    const auto waited = co_await reader_->wait(deadline);
    const BootTime here = clock_.boot_now();
    // The beat may not have been counted yet for a stop that has just ended.
    co_await sleep_for(thread_->loop(), 2 * beat);
    const BootClock::duration excused = missed_ - missed_before + BootClock::duration(2 * beat);
    if (here > deadline + excused) violation("a caller waited beyond its deadline");
    if (!waited && here < deadline)
      violation("a call without a token: " + waited.error().error.code);
    if (!waited && here >= deadline && excused < BootClock::duration(call_deadline) / 2) {
      violation("no token within a call's time");
    }
  }

  const Clock& clock_;
  std::unique_ptr<net::LoopThread> thread_;
  consumer::TokenSlot& slot_;
  std::optional<consumer::TokenSlot::Reader> reader_;
  BootClock::duration missed_{};
  uint64_t newest_ = 0;
  std::atomic<uint64_t> calls_ = 0;
  std::atomic<uint64_t> waits_ = 0;
};

std::unique_ptr<store::TokenStore> open_store(std::string_view where, const Clock& clock) {
  constexpr std::string_view sqlite = "sqlite:";
  constexpr std::string_view postgres = "postgres:";
  if (where.starts_with(sqlite)) {
    return must(
        store::SqliteTokenStore::open({.path = std::string(where.substr(sqlite.size()))}, clock));
  }
  store::PostgresOptions options;
  options.conninfo = where.substr(postgres.size());
  return must(store::PostgresTokenStore::open(std::move(options), clock));
}

Task<void> report_generations(Executor& home, const consumer::TokenSlot& slot) {
  uint64_t told = 0;
  for (;;) {
    co_await sleep_for(home, beat);
    const uint64_t generation = slot.state()->sharing.generation;
    if (generation == 0 || generation == told) continue;
    told = generation;
    say("generation " + std::to_string(generation));
  }
}

int run(std::string_view where, const char* key_file, uint16_t issuer_port) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const SystemClock clock;
  SystemEntropy entropy;
  net::Resolver resolver(clock, {});
  const auto home = must(net::LoopThread::create());
  net::ClientPool issuer(home->loop(), resolver, {.host = "127.0.0.1", .port = issuer_port});
  CountedSource source(issuer, clock, entropy);
  Worker worker({.threads = 1});
  consumer::TokenSharing sharing({.store = open_store(where, clock),
                                  .keys = std::make_shared<const store::SealingKeys>(must(
                                      store::SealingKeys::parse(must(read_secret_file(key_file))))),
                                  .home = home->loop(),
                                  .worker = worker,
                                  .clock = clock,
                                  .entropy = entropy,
                                  .log = process_log()},
                                 {.store_timeout = 2s, .lease = 2s, .watch_every = 500ms});
  const consumer::SlotKey key{.issuer = "https://issuer.example", .client_id = "chaos"};
  const consumer::SlotOptions options{
      .request_timeout = 3s, .backoff_first = 50ms, .backoff_max = 500ms, .refused_at_once = 0s};
  const auto shared = sharing.share(key, source, options);
  consumer::TokenSlot slot(key, *shared, home->loop(), clock, entropy, options);
  home->loop().post([&] {
    slot.start();
    home->loop().spawn(report_generations(home->loop(), slot));
  });
  home->start();
  std::deque<Callers> callers;
  for (int i = 0; i < loops; ++i) callers.emplace_back(slot, clock);
  say("ready");

  for (int signal = 0; sigwait(&signals, &signal) == 0 && signal == SIGUSR2;) {
    callers.front().refuse_current();
  }
  uint64_t calls = 0;
  uint64_t waits = 0;
  for (const Callers& some : callers) {
    calls += some.calls();
    waits += some.waits();
  }
  home->stop();  // first: it wakes the callers' loops
  callers.clear();
  const consumer::SharingState state = slot.state()->sharing;
  say("calls " + std::to_string(calls) + " waits " + std::to_string(waits) + " granted " +
      std::to_string(state.granted) + " adopted " + std::to_string(state.adopted));
  return 0;
}

}  // namespace
}  // namespace countersign::chaos

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return countersign::chaos::run(argv[1], argv[2],
                                 static_cast<uint16_t>(countersign::chaos::number_in(argv[3])));
}
