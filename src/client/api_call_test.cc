#include "client/api_call.h"

#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"
#include "support/fake_entropy.h"

namespace countersign::client {
namespace {

using testing::FakeAnswer;

class ApiCallTest : public ::testing::Test {
 protected:
  void SetUp() override { policy({}); }
  void policy(consumer::CallRule rule) {
    policy_.emplace(consumer::CallPolicyOptions{.otherwise = std::move(rule)}, entropy_);
    place_.emplace(CallPlace{.loop = loop_,
                             .clock = clock_,
                             .scheme = scheme_,
                             .upstream = upstream_,
                             .policy = *policy_,
                             .filter = filter_});
  }
  CallLimits limits() {
    return {.began = loop_.now(),
            .deadline_otherwise = std::chrono::seconds(30),
            .response_bytes_max = 64};
  }
  Outcome perform(Request request, std::chrono::nanoseconds time = std::chrono::seconds(60)) {
    ApiCall call(*place_, std::move(request), limits());
    Task<void> task = call.perform();
    task.start();
    loop_.advance(time);
    EXPECT_TRUE(task.done()) << "the call has not ended";
    return call.take_outcome();
  }
  static Request payment(std::string key = {}) {
    return {.method = "POST",
            .target = "/v1/payments",
            .fields = {{"Content-Type", "application/json"}},
            .body = "{}",
            .idempotency_key = std::move(key)};
  }
  static FakeAnswer lost(http::SendState state, bool reused = false) {
    FakeAnswer answer;
    answer.lost = state;
    answer.reused_connection = reused;
    return answer;
  }

  testing::FakeClock clock_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient upstream_{loop_};
  testing::FakeEntropy entropy_;
  consumer::FakeScheme scheme_{loop_};
  consumer::FieldFilter filter_;
  std::optional<consumer::CallPolicy> policy_;
  std::optional<CallPlace> place_;
};

TEST_F(ApiCallTest, SendsTheRequestWithTheCredentialAndGivesTheAnswer) {
  upstream_.then({.status = 201,
                  .fields = {{"Location", "/v1/payments/1"}, {"Connection", "close"}},
                  .body = "{\"id\":1}"});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::answered);
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.value("location"), "/v1/payments/1");
  EXPECT_EQ(outcome.value("Connection"), "") << "hop-by-hop fields are not the caller's";
  EXPECT_EQ(outcome.body, "{\"id\":1}");
  EXPECT_EQ(outcome.attempts, 1);
  EXPECT_EQ(outcome.idempotency_key, "k1");
  const auto& sent = upstream_.requests().at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.value("Authorization"), "Test c1");
  EXPECT_EQ(sent.value("Idempotency-Key"), "k1");
  EXPECT_EQ(sent.body, "{}");
}

TEST_F(ApiCallTest, GivesWritesAKeyOnlyWhereTheRuleSaysSo) {
  upstream_.otherwise([](const auto&) { return FakeAnswer{}; });
  EXPECT_EQ(perform(payment()).idempotency_key, "");
  policy({.add_idempotency_key = true});
  const Outcome first = perform(payment());
  EXPECT_EQ(first.idempotency_key, upstream_.requests().back().value("Idempotency-Key"));
  EXPECT_FALSE(first.idempotency_key.empty());
  EXPECT_EQ(perform({.target = "/v1/payments"}).idempotency_key, "") << "a read needs none";
  EXPECT_EQ(perform(payment("mine")).idempotency_key, "mine");
}

TEST_F(ApiCallTest, DoesNotRepeatAWriteThatMayHaveBeenProcessed) {
  policy({.retries_max = 3});
  upstream_.then(lost(http::SendState::unknown, /*reused=*/true));
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::unknown);
  EXPECT_EQ(outcome.reason, "outcome_unknown");
  EXPECT_EQ(outcome.code, "http.upstream_lost");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.attempts, 1);
}

TEST_F(ApiCallTest, RepeatsAWriteWithAKeyThatTheProviderHonours) {
  policy({.retries_max = 1, .idempotency_key_honoured = true});
  upstream_.then(lost(http::SendState::unknown)).then({.status = 201});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::answered);
  EXPECT_EQ(outcome.attempts, 2);
  EXPECT_EQ(upstream_.requests().at(0).value("Idempotency-Key"),
            upstream_.requests().at(1).value("Idempotency-Key"));
}

TEST_F(ApiCallTest, RemembersThatAnEarlierAttemptMayHaveBeenProcessed) {
  policy({.retries_max = 1, .idempotency_key_honoured = true});
  upstream_.then(lost(http::SendState::unknown)).then({.status = 429});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::unknown) << "429 is about the repeat, not the payment";
  EXPECT_EQ(outcome.status, 429);
}

TEST_F(ApiCallTest, RepeatsOnAFreshConnectionWhatNeverLeft) {
  upstream_.then(lost(http::SendState::not_sent, /*reused=*/true)).then({.status = 201});
  EXPECT_EQ(perform(payment("k1")).status, 201);
  EXPECT_FALSE(upstream_.requests().at(0).fresh_connection);
  EXPECT_TRUE(upstream_.requests().at(1).fresh_connection);
}

TEST_F(ApiCallTest, ReplacesARefusedCredentialOnce) {
  scheme_.replaces = true;
  upstream_.then({.status = 401}).then({.status = 401});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::answered);
  EXPECT_EQ(outcome.status, 401);
  EXPECT_EQ(outcome.attempts, 2);
  EXPECT_EQ(upstream_.requests().at(1).value("Authorization"), "Test c2");
}

TEST_F(ApiCallTest, SendsNothingWithoutACredential) {
  scheme_.ready = false;
  scheme_.failure = consumer::NotReady{
      .error = make_error(ErrorKind::misconfigured, "consumer.issuer_refuses_client", "refused"),
      .retry_after = std::chrono::milliseconds(1500)};
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, "credential_unavailable");
  EXPECT_EQ(outcome.code, "consumer.issuer_refuses_client");
  EXPECT_EQ(outcome.retry_after, std::chrono::seconds(2)) << "rounded up";
  EXPECT_EQ(upstream_.opened(), 0u);
}

TEST_F(ApiCallTest, SaysThatNothingWasSentIfThereIsNoConnection) {
  upstream_.fails_to_open("net.connect_failed");
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, "upstream_unavailable");
  EXPECT_EQ(outcome.code, "net.connect_failed");
  EXPECT_EQ(outcome.attempts, 0);
}

TEST_F(ApiCallTest, ConnectsAgainWithinTheRule) {
  policy({.retries_max = 1});
  upstream_.fails_to_open("net.connect_failed").then({.status = 201});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.attempts, 1) << "the first one never began";
}

TEST_F(ApiCallTest, RepeatsAReadAfterThePauseThatTheProviderWants) {
  policy({.retries_max = 1});
  upstream_.then({.status = 503, .fields = {{"Retry-After", "3"}}}).then({.status = 200});
  const BootTime began = loop_.now();
  ApiCall call(*place_, {.target = "/v1/payments"}, limits());
  Task<void> task = call.perform();
  task.start();
  loop_.advance(std::chrono::milliseconds(2'900));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(upstream_.requests().size(), 1u);
  loop_.advance(std::chrono::milliseconds(200));
  EXPECT_TRUE(task.done());
  EXPECT_GE(loop_.now() - began, std::chrono::seconds(3));
  EXPECT_EQ(call.take_outcome().attempts, 2);
}

TEST_F(ApiCallTest, EndsWithTheAnswerThatWantsALongerPauseThanAllowed) {
  policy({.retries_max = 1});
  upstream_.then({.status = 503, .fields = {{"Retry-After", "6"}}});
  const Outcome outcome = perform({.target = "/v1/payments"});
  EXPECT_EQ(outcome.status, 503);
  EXPECT_EQ(outcome.attempts, 1);
  EXPECT_EQ(outcome.retry_after, std::chrono::seconds(6));
}

TEST_F(ApiCallTest, RepeatsAWriteThatTheGatewayProvedToHaveRefused) {
  policy({.retries_max = 1});
  const auto overloaded = [](std::string decision) {
    return FakeAnswer{.status = 503,
                      .fields = {{"Countersign-Reason", "overloaded"},
                                 {"Countersign-Decision-Id", std::move(decision)}}};
  };
  upstream_.then(overloaded("01M86SCJXYVNRZNWE5MFV81CVP")).then({.status = 201});
  EXPECT_EQ(perform(payment()).status, 201);
  upstream_.then(overloaded("no decision"));
  EXPECT_EQ(perform(payment()).attempts, 1) << "without a decision it proves nothing";
}

TEST_F(ApiCallTest, TakesTheDeadlineOfTheCallBeforeTheRulesBeforeTheClients) {
  const auto deadline_of = [this](std::optional<std::chrono::milliseconds> asked) {
    upstream_.then({.status = 200});
    CallLimits given = limits();
    given.deadline = asked;
    ApiCall call(*place_, {.target = "/"}, given);
    Task<void> task = call.perform();
    task.start();
    loop_.run();
    return upstream_.requests().back().deadline - loop_.now();
  };
  EXPECT_EQ(deadline_of({}), std::chrono::seconds(30));
  policy({.deadline = std::chrono::seconds(5)});
  EXPECT_EQ(deadline_of({}), std::chrono::seconds(5));
  EXPECT_EQ(deadline_of(std::chrono::seconds(7)), std::chrono::seconds(7));
  EXPECT_EQ(deadline_of(std::chrono::milliseconds(-1)), std::chrono::milliseconds(1));
  EXPECT_EQ(deadline_of(std::chrono::hours(2)), std::chrono::hours(1));
}

TEST_F(ApiCallTest, EndsAtItsDeadline) {
  FakeAnswer never;
  never.never = true;
  upstream_.then(never);
  const Outcome outcome = perform(payment("k1"), std::chrono::seconds(30));
  EXPECT_EQ(outcome.kind, OutcomeKind::unknown);
  EXPECT_EQ(outcome.code, "http.upstream_timeout");
}

TEST_F(ApiCallTest, TakesABodyAsLongAsAllowedAndCutsALongerOne) {
  upstream_.then({.body = std::string(64, 'x')});
  const Outcome fits = perform({.target = "/"});
  EXPECT_EQ(fits.body_state, BodyState::complete);
  EXPECT_EQ(fits.body.size(), 64u);
  upstream_.then({.body = std::string(65, 'x')});
  const Outcome cut = perform({.target = "/"});
  EXPECT_EQ(cut.body_state, BodyState::too_long);
  EXPECT_EQ(cut.body.size(), 64u);
  EXPECT_EQ(cut.kind, OutcomeKind::answered);
  EXPECT_FALSE(cut.ok());
}

TEST_F(ApiCallTest, SaysThatABodyBrokeOff) {
  FakeAnswer broken{.status = 201, .body = "{\"id\":"};
  broken.breaks_off = true;
  upstream_.then(broken);
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::answered);
  EXPECT_EQ(outcome.body_state, BodyState::cut_off);
  EXPECT_EQ(outcome.body, "{\"id\":");
}

TEST_F(ApiCallTest, PassesOnWhatTheGatewaySaysAboutARefusal) {
  upstream_.then({.status = 403,
                  .fields = {{"Countersign-Reason", "scope_insufficient"},
                             {"Countersign-Decision-Id", "01M86SCJXYVNRZNWE5MFV81CVP"},
                             {"Retry-After", "7"}}});
  const Outcome outcome = perform(payment("k1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::answered);
  EXPECT_EQ(outcome.reason, "scope_insufficient");
  EXPECT_EQ(outcome.decision_id, "01M86SCJXYVNRZNWE5MFV81CVP");
  EXPECT_EQ(outcome.retry_after, std::chrono::seconds(7));
}

TEST_F(ApiCallTest, GivenUpBeforeAnAnswerIsUnknownAndBeforeSendingIsNotSent) {
  FakeAnswer never;
  never.never = true;
  upstream_.then(never);
  ApiCall sent(*place_, payment("k1"), limits());
  Task<void> task = sent.perform();
  task.start();
  loop_.run();
  sent.give_up("client.cancelled", "cancelled");
  task = {};
  EXPECT_EQ(sent.take_outcome().kind, OutcomeKind::unknown);

  scheme_.ready = false;
  scheme_.ready_after = std::chrono::seconds(5);
  ApiCall waiting(*place_, payment("k2"), limits());
  task = waiting.perform();
  task.start();
  loop_.run();
  waiting.give_up("client.cancelled", "cancelled");
  task = {};
  const Outcome outcome = waiting.take_outcome();
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, "cancelled");
  EXPECT_EQ(outcome.code, "client.cancelled");
}

TEST_F(ApiCallTest, RefusesRequestsThatAreNotTheCallersToMake) {
  const auto refused = [this](Request request) {
    const Outcome outcome = perform(std::move(request));
    EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
    return outcome.code == "client.bad_request" ? outcome.detail : "accepted";
  };
  const auto with_field = [](std::string name, std::string value) {
    Request request = payment("k1");
    request.fields.push_back({std::move(name), std::move(value)});
    return request;
  };
  for (const std::string name : {"Authorization", "authorization", "DPoP", "Host", "Connection",
                                 "Content-Length", "Transfer-Encoding", "Idempotency-Key",
                                 "Countersign-Client", "X_Forwarded_For", "Cookie"}) {
    EXPECT_NE(refused(with_field(name, "x")), "accepted") << name;
  }
  EXPECT_NE(refused(with_field("X-Trace", "a\r\nX-Evil: 1")), "accepted");
  EXPECT_NE(refused(with_field("X Trace", "1")), "accepted");
  EXPECT_NE(refused({.method = "TRACE", .target = "/"}), "accepted");
  EXPECT_NE(refused({.method = "GE T", .target = "/"}), "accepted");
  for (const std::string target :
       {"", "v1", "/v1/../admin", "/v1/%2e%2e/admin", "/a b", "/a\n", "https://other.example/"}) {
    EXPECT_NE(refused({.target = target}), "accepted") << target;
  }
  EXPECT_NE(refused(payment(std::string(256, 'k'))), "accepted");
  EXPECT_NE(refused(payment("a\nb")), "accepted");
  EXPECT_EQ(upstream_.opened(), 0u);
  upstream_.otherwise([](const auto&) { return FakeAnswer{}; });
  EXPECT_EQ(perform(payment(std::string(255, 'k'))).kind, OutcomeKind::answered);
  EXPECT_EQ(perform(with_field("X-Empty", "")).kind, OutcomeKind::answered);
}

}  // namespace
}  // namespace countersign::client
