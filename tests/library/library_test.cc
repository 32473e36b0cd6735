// The library pays with every scheme, from many threads, and says what became of each call.

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "library_fixture.h"
#include "support/silent_server.h"

namespace countersign::e2e {
namespace {

void expect_pays(const cs::Client& client, const std::string& key) {
  cs::Request request{.method = "POST",
                      .target = "/v1/payments",
                      .fields = {{"Content-Type", "application/json"}},
                      .body = std::string(order),
                      .idempotency_key = key};
  const cs::Outcome paid = client.call(std::move(request));
  ASSERT_EQ(paid.kind, cs::OutcomeKind::answered) << paid.code << " " << paid.detail;
  EXPECT_EQ(paid.status, 201) << paid.body;
  EXPECT_EQ(paid.value("content-type"), "application/json");
  const cs::Outcome found =
      client.call({.target = "/v1/payments/" + drill::json_text_member(paid.body, "id")});
  EXPECT_EQ(found.body, paid.body);
  EXPECT_EQ(found.idempotency_key, "");
}

TEST_F(LibraryTest, library_pays_with_every_scheme_and_reads_back) {
  expect_pays(make(options()), "k1");
  cs::ClientOptions bound = options();
  bound.scheme = cs::OAuth2{.issuer = std::string(drill::provider_url), .client_id = "shop-bound"};
  expect_pays(make(std::move(bound)), "k2");
  cs::ClientOptions bearer = options();
  bearer.scheme = cs::OAuth2{.issuer = std::string(drill::provider_url),
                             .client_id = "shop-bearer",
                             .authentication = cs::ClientAuthentication::client_secret_basic,
                             .certificate_bound = false,
                             .client_secret = cs::Secret::copy_of(client_secret)};
  expect_pays(make(std::move(bearer)), "k3");
}

TEST_F(LibraryTest, library_reads_the_egresss_configuration) {
  consumer =
      must(drill::Consumer::start({.binaries = COUNTERSIGN_BINARIES,
                                   .folder = folder.path(),
                                   .apis = {{"api_key", "api_key", "key_file = \"api-key\""}}},
                                  pki, client, provider->gateway()));
  const auto made = cs::Client::from_config_file(folder / "egress.toml", "api_key");
  ASSERT_TRUE(made) << made.text();
  expect_pays(*made.client, "k1");
}

TEST_F(LibraryTest, library_serves_many_threads_and_sends_each_payment_once) {
  cs::ClientOptions wanted = options();
  wanted.threads = 2;
  const cs::Client client = make(std::move(wanted));
  constexpr int threads = 8;
  constexpr int calls = 10;
  std::atomic<int> created = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < calls; ++i) created += client.call(payment_request()).status == 201;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(created, threads * calls);
}

TEST_F(LibraryTest, library_passes_on_refusals_with_reason_and_decision) {
  cs::ClientOptions wanted = options();
  wanted.scheme = cs::ApiKey{.key = cs::Secret::copy_of("cs_test_nobody")};
  const cs::Outcome refused = make(std::move(wanted)).call(payment_request());
  EXPECT_EQ(refused.kind, cs::OutcomeKind::answered);
  EXPECT_EQ(refused.status, 401);
  EXPECT_FALSE(refused.reason.empty());
  EXPECT_EQ(refused.decision_id.size(), 26u);
  EXPECT_FALSE(refused.idempotency_key.empty()) << "a write is given a key";
}

TEST_F(LibraryTest, library_sends_nothing_to_a_server_that_it_does_not_know) {
  cs::ClientOptions pinned = options();
  pinned.pins = {"cuWQ7S3jkcN7A/UuSqVI4KjvqDurleXzZ0YGw3GmH4o="};
  const cs::Outcome outcome = make(std::move(pinned)).call(payment_request());
  EXPECT_EQ(outcome.kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(outcome.code, "net.tls_failed");
  cs::ClientOptions strangers = options();
  strangers.trust_anchors = {.file = pki.consumer_ca()};
  EXPECT_EQ(make(std::move(strangers)).call(payment_request()).kind, cs::OutcomeKind::not_sent);
}

TEST_F(LibraryTest, library_obeys_deadlines_and_cancellation) {
  testing::SilentServer silent;
  cs::ClientOptions wanted = options();
  wanted.connect_to = silent.address();
  const cs::Client client = make(std::move(wanted));
  const cs::Outcome late =
      client.call(payment_request(), {.deadline = std::chrono::milliseconds(50)});
  EXPECT_EQ(late.kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(late.code, "http.upstream_timeout");

  std::stop_source stop;
  std::thread canceller([&] {
    silent.wait_for_connections(2);
    stop.request_stop();
  });
  const cs::Outcome cancelled = client.call(payment_request(), {.stop = stop.get_token()});
  canceller.join();
  EXPECT_EQ(cancelled.kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(cancelled.code, "client.cancelled");
  EXPECT_EQ(client.call(payment_request(), {.stop = stop.get_token()}).code, "client.cancelled");
}

TEST_F(LibraryTest, library_ends_calls_when_the_client_is_destroyed) {
  testing::SilentServer silent;
  cs::ClientOptions wanted = options();
  wanted.connect_to = silent.address();
  std::optional<cs::Client> client = make(std::move(wanted));
  cs::Outcome outcome;
  std::thread caller([&, &used = *client] { outcome = used.call(payment_request()); });
  silent.wait_for_connections(1);
  client.reset();
  caller.join();
  EXPECT_EQ(outcome.kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(outcome.code, "client.stopped");
}

TEST_F(LibraryTest, library_refuses_calls_in_a_forked_child_and_leaves_the_parents_connections) {
  std::optional<cs::Client> client = make(options());
  expect_pays(*client, "k1");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const cs::Outcome outcome = client->call(payment_request("k2"));
    client.reset();  // says nothing on the parent's connection
    const bool right = outcome.kind == cs::OutcomeKind::not_sent && outcome.code == "client.forked";
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const cs::Outcome again = client->call(payment_request("k3"));
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.attempts, 1) << "the kept connection still serves";
}

TEST_F(LibraryTest, library_leaves_the_applications_signals_alone) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  struct sigaction pipe_before{};
  sigaction(SIGPIPE, nullptr, &pipe_before);
  const cs::Client client = make(options());
  expect_pays(client, "k1");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  struct sigaction pipe_after{};
  sigaction(SIGPIPE, nullptr, &pipe_after);
  for (int number = 1; number < SIGRTMAX; ++number)
    EXPECT_EQ(sigismember(&before, number), sigismember(&after, number)) << number;
  EXPECT_EQ(pipe_before.sa_handler, pipe_after.sa_handler);
}

TEST_F(LibraryTest, moved_from_client_sends_nothing) {
  cs::Client client = make(options());
  const cs::Client moved = std::move(client);
  EXPECT_EQ(client.call(payment_request()).code, "client.stopped");  // NOLINT
  expect_pays(moved, "k1");
}

}  // namespace
}  // namespace countersign::e2e
