// What becomes of a call (design §4.3): nothing is silently sent twice, and the caller is told
// whether it may have been processed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using http::SendState;
using testing::FakeExchange;
using ::testing::HasSubstr;

class EgressOutcome : public EgressTest {
 protected:
  // Serves and checks what the caller is told.
  void expect_problem(FakeExchange& exchange, int status, std::string_view reason,
                      std::string_view outcome, std::string_view attempts) {
    EXPECT_EQ(exchange.status(), status);
    EXPECT_THAT(exchange.answer(), HasSubstr("\"reason\":\"" + std::string(reason) + "\""));
    EXPECT_EQ(exchange.response_field("Countersign-Outcome"), outcome);
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), attempts);
    EXPECT_THAT(log_text(), HasSubstr("\"outcome\":\"" + std::string(outcome) + "\""));
  }
};

TEST_F(EgressOutcome, AConnectionThatCannotBeMadeIsNotSent) {
  upstream_.fails_to_open("net.connect_failed");
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("b");
  serve(exchange);
  EXPECT_EQ(exchange.response_field("Retry-After"), "1");
  EXPECT_THAT(exchange.answer(), HasSubstr(R"("code":"net.connect_failed")"));
  expect_problem(exchange, 502, "upstream_unavailable", "not_sent", "0");
  EXPECT_EQ(exchange.reads(), 0) << "the body is not asked for in vain";
}

TEST_F(EgressOutcome, AConnectionThatTakesTooLongIsATimeout) {
  upstream_.fails_to_open("http.upstream_timeout", ErrorKind::timed_out);
  FakeExchange exchange("POST", "/acme/x");
  serve(exchange);
  expect_problem(exchange, 504, "upstream_unavailable", "not_sent", "0");
}

TEST_F(EgressOutcome, ALostPaymentIsUnknownAndNotRepeated) {
  upstream_.then(lost(SendState::unknown, /*reused=*/true));
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("b");
  serve(exchange);
  EXPECT_EQ(upstream_.requests().size(), 1u);
  expect_problem(exchange, 502, "outcome_unknown", "unknown", "1");
}

TEST_F(EgressOutcome, NeitherPutNorDeleteIsRepeatedWithoutAKey) {
  for (const char* method : {"PUT", "DELETE", "PATCH"}) {
    upstream_.then(lost(SendState::unknown, /*reused=*/true));
    FakeExchange exchange(method, "/acme/x");
    serve(exchange);
    expect_problem(exchange, 502, "outcome_unknown", "unknown", "1");
  }
}

TEST_F(EgressOutcome, AnAnswerThatNeverComesIsUnknownAtTheDeadline) {
  EgressApi hasty = api("acme", "/acme", upstream_);
  hasty.options.deadline = 5s;
  egress({hasty});
  testing::FakeAnswer never;
  never.never = true;
  never.reused_connection = true;
  upstream_.then(never);
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange, 5s);
  EXPECT_EQ(upstream_.requests().size(), 1u) << "a time-out is never repeated";
  expect_problem(exchange, 504, "outcome_unknown", "unknown", "1");
}

TEST_F(EgressOutcome, AWriteOnAStaleConnectionIsRepeatedOnAFreshOneIfNothingWasSent) {
  upstream_.then(lost(SendState::not_sent, /*reused=*/true)).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("payment");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  EXPECT_TRUE(upstream_.requests().at(1).fresh_connection);
  EXPECT_EQ(upstream_.requests().at(1).body, "payment");
}

TEST_F(EgressOutcome, ASafeMethodOnAStaleConnectionIsRepeatedOnce) {
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    upstream_.then(lost(SendState::unknown, true)).then({.status = 200});
    FakeExchange exchange(method, "/acme/x");
    serve(exchange);
    EXPECT_EQ(exchange.status(), 200) << method;
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  }
  upstream_.then(lost(SendState::unknown, true)).then(lost(SendState::unknown, true));
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  log_text();
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  EXPECT_EQ(exchange.status(), 502);
}

TEST_F(EgressOutcome, ALossOnANewConnectionIsNotRepeated) {
  upstream_.then(lost(SendState::unknown, /*reused=*/false));
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  expect_problem(exchange, 502, "outcome_unknown", "unknown", "1");
}

TEST_F(EgressOutcome, AnIdempotencyKeyAllowsOneRepeat) {
  upstream_.then(lost(SendState::unknown, true)).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Idempotency-Key", "k1").body("payment");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 201);
  ASSERT_EQ(upstream_.requests().size(), 2u);
  EXPECT_EQ(upstream_.requests()[1].value("Idempotency-Key"), "k1");
  EXPECT_EQ(upstream_.requests()[1].body, "payment");
}

TEST_F(EgressOutcome, AnIdempotencyKeyThatProtectsNothingAllowsNone) {
  upstream_.then(lost(SendState::unknown, true)).then(lost(SendState::unknown, true));
  FakeExchange empty("POST", "/acme/x");
  empty.field("Idempotency-Key", "");
  serve(empty);
  EXPECT_EQ(empty.response_field("Countersign-Attempts"), "1");
  FakeExchange two("POST", "/acme/x");
  two.field("Idempotency-Key", "a").field("Idempotency-Key", "b");
  serve(two);
  EXPECT_EQ(two.response_field("Countersign-Attempts"), "1");
  FakeExchange removed_on_the_way("POST", "/acme/x");
  removed_on_the_way.field("Connection", "idempotency-key").field("Idempotency-Key", "a");
  upstream_.then(lost(SendState::unknown, true));
  serve(removed_on_the_way);
  EXPECT_EQ(removed_on_the_way.response_field("Countersign-Attempts"), "1");
  EXPECT_EQ(upstream_.requests().back().count("Idempotency-Key"), 0u);
}

TEST_F(EgressOutcome, AnEarlierAttemptThatLeftIsNotForgotten) {
  upstream_.then(lost(SendState::unknown, true)).fails_to_open("net.connect_failed");
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Idempotency-Key", "k1").body("payment");
  serve(exchange);
  expect_problem(exchange, 502, "outcome_unknown", "unknown", "1");
}

TEST_F(EgressOutcome, ABodyTooLongToKeepIsNotRepeated) {
  EgressApi small = api("acme", "/acme", upstream_);
  small.options.keep_body_bytes_max = 4;
  egress({small});
  upstream_.then(lost(SendState::unknown, true));
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Idempotency-Key", "k1").body("longer");
  serve(exchange);
  expect_problem(exchange, 502, "outcome_unknown", "unknown", "1");
}

TEST_F(EgressOutcome, ARefusedTokenIsReplacedAndTheCallRepeatedOnce) {
  scheme_.replaces = true;
  upstream_.then(invalid_token()).then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.chunked_body({"pay", "ment"});
  serve(exchange);
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  EXPECT_EQ(upstream_.requests().at(0).value("Authorization"), "Test c1");
  EXPECT_EQ(upstream_.requests().at(1).value("Authorization"), "Test c2");
  EXPECT_EQ(upstream_.requests().at(1).body, "payment");
}

TEST_F(EgressOutcome, ASecondRefusalIsTheCallersToSee) {
  scheme_.replaces = true;
  upstream_.then(invalid_token()).then(invalid_token());
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 401);
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "answered");
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "2");
  EXPECT_EQ(scheme_.refusals, (std::vector<uint64_t>{1, 2}));
}

TEST_F(EgressOutcome, ARefusalThatANewTokenWouldNotCureIsPassedOn) {
  upstream_.then(invalid_token()).then({.status = 403});
  for (const int status : {401, 403}) {
    FakeExchange exchange("GET", "/acme/x");
    serve(exchange);
    EXPECT_EQ(exchange.status(), status);
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
  }
}

TEST_F(EgressOutcome, ARefusedCallWhoseBodyIsGoneIsPassedOnAndTheTokenIsReplaced) {
  EgressApi small = api("acme", "/acme", upstream_);
  small.options.keep_body_bytes_max = 4;
  egress({small});
  scheme_.replaces = true;
  upstream_.then(invalid_token());
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("longer");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 401);
  EXPECT_EQ(scheme_.refusals, std::vector<uint64_t>{1});
}

TEST_F(EgressOutcome, WithoutANewTokenARefusedCallEndsAsNotSent) {
  scheme_.replaces = true;
  scheme_.failure =
      NotReady{make_error(ErrorKind::unavailable, "consumer.fresh_token_refused", "x"), 2s};
  upstream_.then(invalid_token());
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("b");
  serve(exchange);
  EXPECT_EQ(exchange.response_field("Retry-After"), "2");
  expect_problem(exchange, 503, "token_unavailable", "not_sent", "1");
}

TEST_F(EgressOutcome, TheCallersOwnFaultIsNotTheUpstreams) {
  FakeExchange exchange("POST", "/acme/x");
  exchange.chunked_body({}).failing_body(
      make_error(ErrorKind::invalid_input, "http.client_bad_chunk", "malformed"));
  upstream_.then({});
  serve(exchange);
  expect_problem(exchange, 400, "request_malformed", "not_sent", "1");
}

TEST_F(EgressOutcome, AnAnswerThatBreaksOffIsNotPassedOffAsComplete) {
  testing::FakeAnswer broken{.status = 200, .body = "half"};
  broken.breaks_off = true;
  upstream_.then(broken);
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  EXPECT_TRUE(exchange.aborted());
  EXPECT_FALSE(exchange.complete());
  EXPECT_THAT(log_text(), HasSubstr(R"("code":"http.upstream_lost")"));
}

TEST_F(EgressOutcome, ACallerThatHasGoneStillLeavesALine) {
  upstream_.then({.status = 201});
  FakeExchange exchange("POST", "/acme/x");
  exchange.fail_sends();
  serve(exchange);
  EXPECT_THAT(log_text(), HasSubstr(R"("status":201,"outcome":"answered")"));
}

}  // namespace
}  // namespace countersign::consumer
