// Writes that are journalled before they leave, and what is left open reconciled.

#include <deque>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"
#include "consumer/egress/reconciler.h"
#include "core/log.h"
#include "store/sqlite_journal.h"
#include "support/temporary_folder.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using http::SendState;
using store::JournalState;
using testing::FakeExchange;
using ::testing::HasSubstr;

class JournalledEgress : public EgressTest {
 protected:
  JournalledEgress() {
    auto opened = store::SqliteJournal::open(path_, clock_);
    if (!opened) panic(opened.error().for_log());
    reader_ = *std::move(opened);
    make_writer({});
  }
  // A loop's posts come from the writer's thread: waits for them, without a time.
  void serve_journalled(FakeExchange& exchange) {
    loop_.spawn(egress().serve(exchange));
    while (loop_.tasks_running() > 0) {
      loop_.run();
      std::this_thread::yield();
    }
  }
  void make_writer(JournalWriterOptions options) {
    auto opened = store::SqliteJournal::open(path_, clock_);
    writer_.emplace(*std::move(opened), clock_, process_log_, options);
    own_.emplace(*writer_, keys_, entropy_);
    journal_ = &*own_;
  }
  store::JournalEntry find(std::string_view key) {
    flush();
    auto found = reader_->find("acme", key);
    if (!found || !*found) panic("no such entry");
    return **std::move(found);
  }
  // What is recorded in the background is there.
  void flush() { make_writer({}); }
  static FakeExchange payment(std::string_view key, std::string_view body = "payment") {
    FakeExchange exchange("POST", "/acme/x");
    exchange.field("Content-Type", "text/plain").body(body);
    if (!key.empty()) exchange.field("Idempotency-Key", key);
    return exchange;
  }
  std::vector<ReconciledEntry> reconcile(ReconcileOptions options = {}) {
    flush();
    Reconciler reconciler(loop_, clock_, *reader_, keys_, {api("acme", "/acme", upstream_)},
                          options);
    std::optional<Result<std::vector<ReconciledEntry>>> done;
    auto run = [](Reconciler& r, decltype(done)& out) -> Task<void> { out = co_await r.run(); };
    loop_.spawn(run(reconciler, done));
    loop_.advance(10min);
    if (!done || !*done) panic("reconcile has not ended");
    return **std::move(done);
  }

  testing::TemporaryFolder folder_;
  const std::string path_ = folder_ / "journal.db";
  Log process_log_{clock_, sink_};
  store::SealingKeys keys_ =
      store::SealingKeys::parse(store::SealingKeys::new_line(1, entropy_)).value();
  std::unique_ptr<store::SqliteJournal> reader_;
  std::optional<JournalWriter> writer_;
  std::optional<EgressJournal> own_;
};

TEST_F(JournalledEgress, RecordsAWriteBeforeItLeavesAndWhatBecameOfIt) {
  std::optional<JournalState> while_sent;
  upstream_.otherwise([&](const testing::FakeRequest&) {
    while_sent = (*reader_->find("acme", "k"))->state;
    return testing::FakeAnswer{.status = 201};
  });
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(while_sent, JournalState::pending);
  EXPECT_EQ(find("k").state, JournalState::answered);
  EXPECT_EQ(find("k").status, 201);
}

TEST_F(JournalledEgress, ReadsAreNotRecorded) {
  upstream_.then({});
  FakeExchange exchange("GET", "/acme/x");
  exchange.field("Idempotency-Key", "k");
  serve_journalled(exchange);
  flush();
  EXPECT_FALSE(*reader_->find("acme", "k"));
}

TEST_F(JournalledEgress, RecordsNotSentAndUnknown) {
  upstream_.fails_to_open("net.connect_failed").then(lost(SendState::unknown, false));
  FakeExchange not_sent = payment("a");
  serve_journalled(not_sent);
  FakeExchange unknown = payment("b");
  serve_journalled(unknown);
  EXPECT_EQ(find("a").state, JournalState::not_sent);
  EXPECT_EQ(find("b").state, JournalState::unknown);
  EXPECT_EQ(find("b").code, "http.upstream_lost");
}

TEST_F(JournalledEgress, AKeyForAnotherRequestIsRefusedBeforeItIsSent) {
  upstream_.then({.status = 201});
  FakeExchange first = payment("k");
  serve_journalled(first);
  FakeExchange other = payment("k", "another");
  serve_journalled(other);
  EXPECT_EQ(other.status(), 422);
  EXPECT_THAT(other.answer(), HasSubstr("idempotency_key_reused"));
  EXPECT_EQ(upstream_.requests().size(), 1u);
}

TEST_F(JournalledEgress, ACallWithAKeyInFlightIsToldToWait) {
  store::JournalBegin held{.api = "acme", .key = "k", .hold_for = 1h};
  held.digest = digest_of("POST", "/x", "payment");
  ASSERT_TRUE(reader_->write({&held, 1}, {}, 10));
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  EXPECT_EQ(exchange.status(), 409);
  EXPECT_EQ(exchange.response_field("Retry-After"), "1");
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "unknown");
  EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(JournalledEgress, ABodyTooLongForTheJournalIsRefused) {
  FakeExchange exchange = payment("k", std::string(64 * 1024 + 1, 'b'));
  serve_journalled(exchange);
  EXPECT_EQ(exchange.status(), 413);
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "not_sent");
  FakeExchange chunked("POST", "/acme/x");
  chunked.chunked_body({std::string(64 * 1024, 'b'), "b"});
  serve_journalled(chunked);
  EXPECT_EQ(chunked.status(), 413);
  EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(JournalledEgress, WithoutRoomInTheJournalNothingIsSent) {
  JournalWriterOptions full;
  full.limits.entries_max = 0;
  make_writer(full);
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_THAT(exchange.answer(), HasSubstr("journal_unavailable"));
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "not_sent");
  EXPECT_TRUE(upstream_.requests().empty());
}

TEST_F(JournalledEgress, ManyCallsAtOnceAreAllRecorded) {
  upstream_.otherwise([](const testing::FakeRequest&) { return testing::FakeAnswer{}; });
  std::deque<FakeExchange> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(payment("k" + std::to_string(i)));
  egress();
  for (FakeExchange& call : calls) loop_.spawn(service_->serve(call));
  while (loop_.tasks_running() > 0) {
    loop_.run();
    std::this_thread::yield();
  }
  flush();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(calls[static_cast<size_t>(i)].status(), 200);
    const auto found = reader_->find("acme", "k" + std::to_string(i));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->state, JournalState::answered);
  }
}

TEST_F(JournalledEgress, ReconcileRepeatsWhatIsUnknownWithTheSameKeyAndBody) {
  upstream_.then(lost(SendState::unknown, false));
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  upstream_.then({.status = 201});
  const auto done = reconcile();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_TRUE(done[0].resolved()) << done[0].note;
  EXPECT_EQ(done[0].status, 201);
  EXPECT_EQ(done[0].path, "/x");
  const testing::FakeRequest& repeat = upstream_.requests().at(1);
  EXPECT_EQ(repeat.value("Idempotency-Key"), "k");
  EXPECT_EQ(repeat.value("Content-Type"), "text/plain");
  EXPECT_EQ(repeat.value("Authorization"), "Test c1");
  EXPECT_EQ(repeat.body, "payment");
  EXPECT_TRUE(reconcile().empty());
}

TEST_F(JournalledEgress, ReconcileLeavesOpenWhatIsNotSettledAndReportsIt) {
  upstream_.then(lost(SendState::unknown, false));
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  upstream_.then({.status = 503});
  auto done = reconcile();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_FALSE(done[0].resolved());
  EXPECT_THAT(done[0].note, HasSubstr("503"));
  upstream_.fails_to_open("net.connect_failed");
  EXPECT_EQ(reconcile().at(0).state, JournalState::unknown);
  policy_ = CallPolicy({}, entropy_);
  done = reconcile();
  EXPECT_THAT(done.at(0).note, HasSubstr("does not honour keys"));
  EXPECT_EQ(upstream_.requests().size(), 2u);
}

TEST_F(JournalledEgress, ReconcileNeverRepeatsACallWithoutAKey) {
  upstream_.then(lost(SendState::unknown, false));
  FakeExchange exchange = payment("");
  serve_journalled(exchange);
  const auto done = reconcile();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_FALSE(done[0].key_sent);
  EXPECT_THAT(done[0].note, HasSubstr("without a key"));
  EXPECT_EQ(upstream_.requests().size(), 1u);
}

TEST_F(JournalledEgress, ReconcileWaitsForWhatACrashHasLeftHeld) {
  upstream_.then(lost(SendState::unknown, false));
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  flush();
  ASSERT_TRUE(*reader_->take_over("acme", "k", 1, 30s));  // and this process crashes
  EXPECT_THAT(reconcile().at(0).note, HasSubstr("under way"));
  ASSERT_TRUE(*reader_->take_over("acme", "k", 2, 30s));  // meanwhile its hold had run out
  upstream_.then({.status = 201});
  EXPECT_TRUE(reconcile({.wait_for_held = 1min}).at(0).resolved());
}

TEST_F(JournalledEgress, ReconcileCannotOpenWhatIsSealedUnderAnotherKey) {
  upstream_.then(lost(SendState::unknown, false));
  FakeExchange exchange = payment("k");
  serve_journalled(exchange);
  keys_ = store::SealingKeys::parse(store::SealingKeys::new_line(1, entropy_)).value();
  EXPECT_THAT(reconcile().at(0).note, HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace countersign::consumer
