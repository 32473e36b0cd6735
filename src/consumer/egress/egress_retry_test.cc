// Repeats by a route's rule: what is repeated, how often, how soon, and what never is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using http::SendState;
using testing::FakeAnswer;
using testing::FakeExchange;
using ::testing::HasSubstr;

constexpr std::string_view decision = "01J9ZZZZZZZZZZZZZZZZZZZZZZ";

class EgressRetry : public EgressTest {
 protected:
  void rule(CallRule made, RetryBudgetOptions budget = {}) {
    own_.emplace(CallPolicyOptions{.otherwise = std::move(made), .budget = budget}, entropy_);
    EgressApi acme = api("acme", "/acme", upstream_);
    acme.policy = &*own_;
    egress({acme});
  }
  static CallRule twice() { return {.retries_max = 2, .idempotency_key_honoured = true}; }
  static FakeAnswer busy(int status = 503) { return {.status = status}; }
  static FakeAnswer refused(std::string reason = "overloaded") {
    return {.status = 503,
            .fields = {{"Countersign-Reason", std::move(reason)},
                       {"Countersign-Decision-Id", std::string(decision)}}};
  }
  std::optional<CallPolicy> own_;
};

TEST_F(EgressRetry, AConnectionThatCannotBeMadeIsTriedAgainAfterAPause) {
  rule(twice());
  upstream_.fails_to_open("net.connect_failed").fails_to_open("net.connect_failed").then({});
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("payment");
  loop_.spawn(egress().serve(exchange));
  EXPECT_EQ(exchange.status(), 0) << "not at once";
  loop_.advance(1s);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
}

TEST_F(EgressRetry, AWriteIsRepeatedWhereTheGatewayHasNotForwardedIt) {
  rule({.retries_max = 2});
  upstream_.then(refused()).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("payment");
  serve(exchange, 1s);
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  EXPECT_EQ(upstream_.requests().at(1).body, "payment");
}

TEST_F(EgressRetry, AWriteThatMayHaveBeenForwardedIsNotRepeatedWithoutAKey) {
  rule({.retries_max = 2, .idempotency_key_honoured = true});
  for (const FakeAnswer& answer :
       {busy(502), busy(503), busy(504), busy(429), refused("upstream_timeout")}) {
    upstream_.then(answer);
    FakeExchange exchange("POST", "/acme/x");
    serve(exchange, 1s);
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
    EXPECT_EQ(exchange.status(), answer.status);
  }
}

TEST_F(EgressRetry, AKeyIsNoReasonToRepeatUnlessTheProviderHonoursIt) {
  rule({.retries_max = 2});
  upstream_.then(busy()).then(lost(SendState::unknown, /*reused=*/true));
  for (int i = 0; i < 2; ++i) {
    FakeExchange exchange("POST", "/acme/x");
    exchange.field("Idempotency-Key", "k").body("payment");
    serve(exchange, 1s);
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
  }
}

TEST_F(EgressRetry, AKeyedWriteIsRepeatedAfterALossAndAfterAnAnswerFromInBetween) {
  rule(twice());
  upstream_.then(lost(SendState::unknown, /*reused=*/false)).then(busy(502)).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Idempotency-Key", "k").body("payment");
  serve(exchange, 1s);
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "answered");
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "3");
}

TEST_F(EgressRetry, ARefusalAfterALossLeavesTheOutcomeUnknown) {
  rule(twice());
  upstream_.then(lost(SendState::unknown, false)).then(refused()).then(refused());
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Idempotency-Key", "k").body("payment");
  serve(exchange, 1s);
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "unknown");
}

TEST_F(EgressRetry, ASafeMethodIsRepeatedAndOtherStatusesAreNot) {
  rule({.retries_max = 2});
  upstream_.then(busy(429)).then(busy(502)).then({.status = 200});
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange, 1s);
  EXPECT_EQ(exchange.status(), 200);
  for (const int status : {400, 401, 404, 409, 500}) {
    upstream_.then(busy(status));
    FakeExchange other("GET", "/acme/x");
    serve(other, 1s);
    EXPECT_EQ(other.response_field("Countersign-Attempts"), "1") << status;
  }
}

TEST_F(EgressRetry, NoMoreThanTheRuleSays) {
  rule(twice());
  upstream_.then(busy()).then(busy()).then(busy());
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange, 1s);
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "3");
}

TEST_F(EgressRetry, TheBudgetKeepsAnOutageFromGrowing) {
  rule({.retries_max = 5}, {.percent = 10, .burst = 2});
  upstream_.otherwise([](const testing::FakeRequest&) { return busy(); });
  for (int i = 0; i < 50; ++i) {
    FakeExchange exchange("GET", "/acme/x");
    serve(exchange, 20s);
  }
  EXPECT_LE(upstream_.requests().size(), 50u + 2 + 5);
  EXPECT_GE(upstream_.requests().size(), 50u + 2 + 4);
}

TEST_F(EgressRetry, RetryAfterIsWaitedForAndBeyondTheBoundPassedOn) {
  rule(twice());
  FakeAnswer soon = busy();
  soon.fields.emplace_back("Retry-After", "3");
  upstream_.then(soon).then({.status = 200});
  FakeExchange exchange("GET", "/acme/x");
  loop_.spawn(egress().serve(exchange));
  loop_.advance(2900ms);
  EXPECT_EQ(exchange.status(), 0);
  loop_.advance(200ms);
  EXPECT_EQ(exchange.status(), 200);
  FakeAnswer late = busy();
  late.fields.emplace_back("Retry-After", "6");
  upstream_.then(late);
  FakeExchange other("GET", "/acme/x");
  serve(other);
  EXPECT_EQ(other.status(), 503);
  EXPECT_EQ(other.response_field("Retry-After"), "6");
}

TEST_F(EgressRetry, NothingIsRepeatedThatWouldEndAfterTheDeadline) {
  CallRule hasty = twice();
  hasty.deadline = 200ms;
  hasty.backoff_first = 1s;
  rule(hasty);
  upstream_.then(busy());
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 503);
}

TEST_F(EgressRetry, ABodyTooLongToKeepIsNotRepeated) {
  rule(twice());
  upstream_.then(refused());
  FakeExchange exchange("POST", "/acme/x");
  exchange.body(std::string(64 * 1024 + 1, 'b'));
  serve(exchange, 1s);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
}

TEST_F(EgressRetry, AWriteWithoutAKeyGetsOneThatStaysTheSame) {
  CallRule adds = twice();
  adds.add_idempotency_key = true;
  rule(adds);
  upstream_.then(lost(SendState::unknown, false)).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("payment");
  serve(exchange, 1s);
  const auto shown = exchange.response_field("Countersign-Idempotency-Key");
  ASSERT_TRUE(shown);
  EXPECT_EQ(upstream_.requests().at(0).value("Idempotency-Key"), *shown);
  EXPECT_EQ(upstream_.requests().at(1).value("Idempotency-Key"), *shown);
  EXPECT_THAT(log_text(), HasSubstr("\"key\":\"" + *shown + "\""));
  upstream_.then(lost(SendState::unknown, false)).then(busy()).then(busy());
  FakeExchange unknown("POST", "/acme/x");
  serve(unknown, 1s);
  EXPECT_TRUE(unknown.response_field("Countersign-Idempotency-Key"));
  EXPECT_NE(unknown.response_field("Countersign-Idempotency-Key"), shown);
}

TEST_F(EgressRetry, ACallersKeyWinsAndReadsGetNone) {
  CallRule adds = twice();
  adds.add_idempotency_key = true;
  rule(adds);
  upstream_.then({}).then({});
  FakeExchange own("POST", "/acme/x");
  own.field("idempotency-key", "mine");
  serve(own);
  EXPECT_EQ(upstream_.requests().at(0).value("Idempotency-Key"), "mine");
  EXPECT_EQ(upstream_.requests().at(0).count("Idempotency-Key"), 1u);
  EXPECT_FALSE(own.response_field("Countersign-Idempotency-Key"));
  FakeExchange read("GET", "/acme/x");
  serve(read);
  EXPECT_EQ(upstream_.requests().at(1).count("Idempotency-Key"), 0u);
}

TEST_F(EgressRetry, AKeyThatCannotProtectIsRefusedWhereTheEgressAnswersForKeys) {
  CallRule adds = twice();
  adds.add_idempotency_key = true;
  rule(adds);
  for (const std::string& key : {std::string(), std::string(256, 'k'), std::string("k\xc3\xbc")}) {
    FakeExchange exchange("POST", "/acme/x");
    exchange.field("Idempotency-Key", key);
    serve(exchange);
    EXPECT_EQ(exchange.status(), 400) << key;
    EXPECT_THAT(exchange.answer(), HasSubstr("idempotency_key_invalid"));
  }
  FakeExchange two("POST", "/acme/x");
  two.field("Idempotency-Key", "a").field("Idempotency-Key", "b");
  serve(two);
  EXPECT_EQ(two.status(), 400);
  EXPECT_TRUE(upstream_.requests().empty());
}

}  // namespace
}  // namespace countersign::consumer
