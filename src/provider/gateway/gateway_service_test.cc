// What the gateway sends on, answers and records.

#include "provider/gateway/gateway_service.h"

#include <sstream>

#include <gtest/gtest.h>

#include "core/json.h"
#include "provider/gateway/gateway_testbed.h"

namespace countersign::provider {
namespace {

using testing::FakeAnswer;
using testing::FakeExchange;
using testing::FakeRequest;
using testing::GatewayTestbed;
using testing::seconds;
using testing::TestCertificates;

class Gateway : public ::testing::Test {
 protected:
  // The lines of the audit log about requests.
  std::vector<Json> audit_lines() {
    EXPECT_TRUE(bed.audit.flush());
    std::vector<Json> lines;
    std::istringstream text(bed.audit_file.text);
    std::string line;
    while (std::getline(text, line)) {
      auto document = parse_json(line);
      EXPECT_TRUE(document) << line;
      if (document && (*document)["event"] == "request") lines.push_back(*document);
    }
    return lines;
  }
  Json problem(const FakeExchange& exchange) {
    EXPECT_EQ(exchange.response_field("Content-Type"), "application/problem+json");
    auto document = parse_json(exchange.answer());
    EXPECT_TRUE(document) << exchange.answer();
    return document ? *document : Json();
  }
  std::string bearer() { return "Bearer " + bed.token(); }

  GatewayTestbed bed;
};

// Forwarding.

TEST_F(Gateway, SendsMethodTargetFieldsAndBodyOn) {
  FakeExchange exchange = bed.post(bearer(), "/v1/payments?dry=1");
  exchange.field("Content-Type", "application/json").field("Idempotency-Key", "i1");
  bed.upstream.then(
      {.status = 201, .fields = {{"Location", "/v1/payments/7"}}, .body = "{\"id\":7}"});
  bed.serve(exchange);
  ASSERT_EQ(bed.upstream.requests().size(), 1u);
  const FakeRequest& sent = bed.upstream.requests().front();
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/v1/payments?dry=1");
  EXPECT_EQ(sent.body, "{\"amount\":1}");
  EXPECT_EQ(sent.value("Content-Type"), "application/json");
  EXPECT_EQ(sent.value("Idempotency-Key"), "i1");
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.answer(), "{\"id\":7}");
  EXPECT_EQ(exchange.response_field("Location"), "/v1/payments/7");
  EXPECT_TRUE(exchange.complete());
}

TEST_F(Gateway, TellsTheUpstreamWhoCalls) {
  const std::string key = bed.key({.scopes = {"payments:read"}});
  FakeExchange exchange = bed.get("ApiKey " + key);
  bed.serve(exchange);
  const FakeRequest& sent = bed.upstream.requests().at(0);
  EXPECT_EQ(sent.value("Countersign-Client"), "pay");
  EXPECT_EQ(sent.value("Countersign-Credential"), bed.last_key_id);
  EXPECT_EQ(sent.value("Countersign-Scheme"), "api_key");
  EXPECT_EQ(sent.value("Countersign-Scopes"), "payments:read");
  EXPECT_EQ(sent.value("Countersign-Decision-Id"),
            exchange.response_field("Countersign-Decision-Id"));
  EXPECT_EQ(sent.value("Countersign-Decision-Id").size(), protocol::DecisionId::chars);
}

TEST_F(Gateway, NoCredentialReachesTheUpstream) {
  GatewayOptions options = GatewayTestbed::default_options();
  options.api_key_field = "X-Acme-Key";
  bed.rebuild(options);
  const std::string key = bed.key();
  FakeExchange by_field = bed.get("");
  by_field.field("X-Acme-Key", key).field("x_acme_key", key).field("X-Api-Key", "k");
  bed.serve(by_field);
  const std::string token = bed.token();
  FakeExchange by_token = bed.get("Bearer " + token);
  by_token.field("Proxy-Authorization", "Bearer " + token);
  bed.serve(by_token);
  ASSERT_EQ(bed.upstream.requests().size(), 2u);
  for (const FakeRequest& sent : bed.upstream.requests()) {
    for (const auto& [name, value] : sent.fields) {
      EXPECT_EQ(value.find(key), std::string::npos) << name;
      EXPECT_EQ(value.find(token), std::string::npos) << name;
    }
    EXPECT_EQ(sent.count("Authorization"), 0u);
  }
}

TEST_F(Gateway, IdentityFieldsFromOutsideAreReplaced) {
  FakeExchange exchange = bed.get(bearer());
  exchange.field("Countersign-Client", "admin")
      .field("countersign_client", "admin")
      .field("COUNTERSIGN-SCOPES", "everything")
      .field("X-Forwarded-For", "127.0.0.1")
      .field("X-Client-Id", "admin")
      .field("Client-Cert", ":abc:")
      .field("X-HTTP-Method-Override", "DELETE")
      .field("Accept", "*/*");
  bed.serve(exchange);
  const FakeRequest& sent = bed.upstream.requests().at(0);
  EXPECT_EQ(sent.count("Countersign-Client"), 1u);
  EXPECT_EQ(sent.value("Countersign-Client"), "pay");
  EXPECT_EQ(sent.value("Countersign-Scopes"), "payments:read payments:write");
  for (const char* name : {"countersign_client", "X-Forwarded-For", "X-Client-Id", "Client-Cert",
                           "X-HTTP-Method-Override"}) {
    EXPECT_EQ(sent.count(name), 0u) << name;
  }
  EXPECT_EQ(sent.value("Accept"), "*/*");
}

// reliability A2.59: a Connection option names a field that the gateway adds.
TEST_F(Gateway, ConnectionOptionsCannotTakeTheGatewaysFieldsAway) {
  FakeExchange exchange = bed.get(bearer());
  exchange.field("Connection", "Countersign-Client, Countersign-Scopes, X-Own, close")
      .field("X-Own", "1")
      .field("Keep-Alive", "5")
      .field("TE", "trailers");
  bed.serve(exchange);
  const FakeRequest& sent = bed.upstream.requests().at(0);
  EXPECT_EQ(sent.value("Countersign-Client"), "pay");
  EXPECT_EQ(sent.value("Countersign-Scopes"), "payments:read payments:write");
  for (const char* name : {"X-Own", "Connection", "Keep-Alive", "TE"})
    EXPECT_EQ(sent.count(name), 0u) << name;
}

TEST_F(Gateway, PassesOneWellFormedTraceparentOn) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  FakeExchange whole = bed.get(bearer());
  whole.field("Traceparent", good).field("tracestate", "a=1").field("baggage", "user=admin");
  bed.serve(whole);
  EXPECT_EQ(bed.upstream.requests().at(0).value("traceparent"), good);
  EXPECT_EQ(bed.upstream.requests().at(0).value("tracestate"), "a=1");
  EXPECT_EQ(bed.upstream.requests().at(0).count("baggage"), 0u);

  FakeExchange malformed = bed.get(bearer());
  malformed.field("traceparent", "00-x").field("tracestate", "a=1");
  bed.serve(malformed);
  EXPECT_EQ(bed.upstream.requests().at(1).count("traceparent"), 0u);
  EXPECT_EQ(bed.upstream.requests().at(1).count("tracestate"), 0u);

  FakeExchange twice = bed.get(bearer());
  twice.field("traceparent", good).field("traceparent", good);
  bed.serve(twice);
  EXPECT_EQ(bed.upstream.requests().at(2).count("traceparent"), 0u);
}

TEST_F(Gateway, TheUpstreamCannotSpeakForTheGateway) {
  bed.upstream.then({.fields = {{"Countersign-Decision-Id", "forged"},
                                {"Countersign-Reason", "forged"},
                                {"Cache-Control", "no-store"}},
                     .body = "{}"});
  FakeExchange exchange = bed.get(bearer());
  bed.serve(exchange);
  ASSERT_EQ(exchange.response_fields("Countersign-Decision-Id").size(), 1u);
  EXPECT_NE(exchange.response_field("Countersign-Decision-Id"), "forged");
  EXPECT_FALSE(exchange.response_field("Countersign-Reason"));
  EXPECT_EQ(exchange.response_field("Cache-Control"), "no-store");
}

TEST_F(Gateway, RefusesAChangeOfProtocol) {
  // FakeExchange has no way to set it: the stage itself.
  http::RequestHead head;
  head.path = "/v1/payments";
  head.upgrade = true;
  const auto verdict = check_request(head);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().reason, protocol::Reason::request_malformed);
}

// Failures of the upstream.

TEST_F(Gateway, AnUpstreamThatCannotBeReachedWasNotSentAnything) {
  bed.upstream.fails_to_open("net.connect_failed");
  FakeExchange exchange = bed.post(bearer());
  EXPECT_EQ(bed.reason(exchange), "upstream_unavailable");
  EXPECT_EQ(exchange.status(), 502);
  EXPECT_TRUE(bed.upstream.requests().empty());
}

TEST_F(Gateway, AFullPoolIsOverload) {
  bed.upstream.fails_to_open("net.too_many_connections");
  FakeExchange exchange = bed.get(bearer());
  EXPECT_EQ(bed.reason(exchange), "overloaded");
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.response_field("Retry-After"), "1");
}

TEST_F(Gateway, AnUpstreamThatDoesNotAnswerInTimeIs504) {
  bed.upstream.then({.never = true});
  FakeExchange exchange = bed.post(bearer());
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 0);
  bed.executor.advance(seconds(30));
  EXPECT_EQ(exchange.response_field("Countersign-Reason"), "upstream_timeout");
  EXPECT_EQ(exchange.status(), 504);
  EXPECT_EQ(bed.upstream.requests().size(), 1u);
}

TEST_F(Gateway, AWriteIsNotRepeatedOnceItMayHaveBeenProcessed) {
  bed.upstream.then({.lost = http::SendState::unknown, .reused_connection = true});
  FakeExchange exchange = bed.post(bearer());
  EXPECT_EQ(bed.reason(exchange), "upstream_bad_response");
  EXPECT_EQ(bed.upstream.requests().size(), 1u);
}

TEST_F(Gateway, AWriteThatWasNotSentIsSentOnceMoreOnAFreshConnection) {
  bed.upstream.then({.lost = http::SendState::not_sent, .reused_connection = true});
  FakeExchange exchange = bed.post(bearer());
  EXPECT_EQ(bed.reason(exchange), "");
  ASSERT_EQ(bed.upstream.requests().size(), 2u);
  EXPECT_TRUE(bed.upstream.requests()[1].fresh_connection);
  EXPECT_EQ(bed.upstream.requests()[1].body, "{\"amount\":1}");
}

TEST_F(Gateway, AReadIsRepeatedOnceIfAnOldConnectionWasLost) {
  bed.upstream.then({.lost = http::SendState::unknown, .reused_connection = true});
  FakeExchange again = bed.get(bearer());
  EXPECT_EQ(bed.reason(again), "");
  EXPECT_EQ(bed.upstream.requests().size(), 2u);

  bed.upstream.then({.lost = http::SendState::unknown, .reused_connection = true});
  bed.upstream.then({.lost = http::SendState::unknown, .reused_connection = true});
  FakeExchange twice = bed.get(bearer());
  EXPECT_EQ(bed.reason(twice), "upstream_bad_response");
  EXPECT_EQ(bed.upstream.requests().size(), 4u);

  bed.upstream.then({.lost = http::SendState::unknown});  // a new connection: not a closed one
  FakeExchange fresh = bed.get(bearer());
  EXPECT_EQ(bed.reason(fresh), "upstream_bad_response");
  EXPECT_EQ(bed.upstream.requests().size(), 5u);
}

TEST_F(Gateway, AnAnswerThatBreaksOffIsNotMadeWhole) {
  bed.upstream.then({.body = "{\"part", .breaks_off = true});
  FakeExchange exchange = bed.get(bearer());
  bed.serve(exchange);
  EXPECT_TRUE(exchange.aborted());
  EXPECT_FALSE(exchange.complete());
  ASSERT_EQ(audit_lines().size(), 1u);
  EXPECT_EQ(audit_lines()[0]["reason"], "upstream_bad_response");
  EXPECT_EQ(audit_lines()[0]["outcome"], "allow");
}

TEST_F(Gateway, AConsumerThatBreaksOffItsBodyIsNotBlamedOnTheUpstream) {
  FakeExchange exchange = bed.post(bearer());
  exchange.chunked_body({"{\"am"});
  exchange.failing_body(make_error(ErrorKind::invalid_input, "http.client_bad_chunk", "malformed"));
  EXPECT_EQ(bed.reason(exchange), "request_malformed");
  EXPECT_TRUE(exchange.closes());
  EXPECT_EQ(bed.upstream.open_now(), 0u);

  FakeExchange large = bed.post(bearer());
  large.chunked_body({});
  large.failing_body(make_error(ErrorKind::too_large, "http.client_body_too_large", "too large"));
  EXPECT_EQ(bed.reason(large), "body_too_large");
  EXPECT_EQ(large.status(), 413);
}

// Denials.

TEST_F(Gateway, ARefusalIsAProblemWithReasonAdviceAndDecisionId) {
  FakeExchange exchange = bed.get("Bearer abc");
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 401);
  const Json document = problem(exchange);
  EXPECT_EQ(document["type"], "urn:countersign:reason:token_malformed");
  EXPECT_EQ(document["status"], 401);
  EXPECT_EQ(document["reason"], "token_malformed");
  EXPECT_EQ(document["source"], "gateway");
  EXPECT_EQ(document["decision_id"], *exchange.response_field("Countersign-Decision-Id"));
  EXPECT_FALSE(document["advice"].get<std::string>().empty());
  EXPECT_EQ(exchange.response_field("Cache-Control"), "no-store");
}

TEST_F(Gateway, TheConsumerDoesNotSeeTheDetail) {
  const std::string key = bed.key();
  bed.client("pay").networks = {"192.0.2.0/24"};
  bed.load();
  FakeExchange exchange = bed.get("ApiKey " + key);
  ASSERT_EQ(bed.reason(exchange), "network_not_allowed");
  EXPECT_EQ(exchange.answer().find("10.1.2.3"), std::string::npos);
  EXPECT_EQ(exchange.head_text().find("10.1.2.3"), std::string::npos);
  ASSERT_EQ(audit_lines().size(), 1u);
  EXPECT_EQ(audit_lines()[0]["detail"], "10.1.2.3");
}

// RFC 6750 §3, RFC 9110 §11.6.1.
TEST_F(Gateway, ChallengesNameTheSchemesAndTheError) {
  FakeExchange missing = bed.get("");
  bed.serve(missing);
  EXPECT_EQ(
      missing.response_fields("WWW-Authenticate"),
      (std::vector<std::string>{R"(ApiKey realm="countersign")", R"(Bearer realm="countersign")"}));
  FakeExchange invalid = bed.get("Bearer abc");
  bed.serve(invalid);
  ASSERT_EQ(invalid.response_fields("WWW-Authenticate").size(), 2u);
  EXPECT_NE(invalid.response_fields("WWW-Authenticate")[1].find(R"(error="invalid_token")"),
            std::string::npos);
  FakeExchange narrow = bed.post("Bearer " + bed.token({.scope = "payments:read"}));
  bed.serve(narrow);
  EXPECT_EQ(narrow.status(), 403);
  ASSERT_EQ(narrow.response_fields("WWW-Authenticate").size(), 1u);
  EXPECT_NE(narrow.response_fields("WWW-Authenticate")[0].find(R"(error="insufficient_scope")"),
            std::string::npos);
  EXPECT_NE(narrow.response_fields("WWW-Authenticate")[0].find(R"(scope="payments:write")"),
            std::string::npos);
  FakeExchange bound = bed.post("", "/v1/bound");
  bed.serve(bound);
  EXPECT_EQ(bound.response_fields("WWW-Authenticate"),
            (std::vector<std::string>{R"(Bearer realm="countersign")"}));
  FakeExchange unknown = bed.get("", "/none");
  bed.serve(unknown);
  EXPECT_TRUE(unknown.response_fields("WWW-Authenticate").empty());
}

// reliability A2.39: a refusal never looks like a success, whatever the reason.
TEST(DenialAnswer, EveryReasonIsAnErrorStatus) {
  for (const protocol::ReasonRow& row : protocol::all_reasons()) {
    EXPECT_GE(row.status, 400) << row.code;
    EXPECT_LT(row.status, 600) << row.code;
  }
}

// Audit.

TEST_F(Gateway, AnAllowedRequestIsRecordedWithItsAnswer) {
  const auto& shop = TestCertificates::get().shop;
  FakeExchange exchange = bed.post("Bearer " + bed.token({.client_id = "shop", .bound_to = &shop}));
  exchange.certificate(&shop);
  bed.upstream.then(
      FakeAnswer{.status = 201, .body = "{\"id\":7}"}.after(std::chrono::milliseconds(3)));
  bed.serve(exchange);
  bed.executor.advance(std::chrono::milliseconds(3));
  EXPECT_TRUE(bed.audit_file.text.find("\"request\"") == std::string::npos);  // buffered
  bed.executor.advance(std::chrono::milliseconds(100));
  EXPECT_TRUE(bed.audit_file.contains("\"event\":\"request\""));
  ASSERT_EQ(audit_lines().size(), 1u);
  const Json line = audit_lines()[0];
  EXPECT_EQ(line["outcome"], "allow");
  EXPECT_EQ(line["decision"], *exchange.response_field("Countersign-Decision-Id"));
  EXPECT_EQ(line["client"], "shop");
  EXPECT_EQ(line["scheme"], "oauth2_certificate");
  EXPECT_EQ(line["token"], bed.last_token_id);
  EXPECT_EQ(line["method"], "POST");
  EXPECT_EQ(line["route"], "/v1/payments");
  EXPECT_EQ(line["path"], "/v1/payments");
  EXPECT_EQ(line["status"], 201);
  EXPECT_EQ(line["remote"], "10.1.2.3");
  EXPECT_EQ(line["upstream_us"], 3000);
  EXPECT_EQ(line["request_bytes"], 12);
  EXPECT_EQ(line["response_bytes"], 8);
  EXPECT_EQ(line["certificate"], encode_base64url(shop.certificate().thumbprint).substr(0, 16));
  EXPECT_FALSE(has_member(line, "reason"));
}

TEST_F(Gateway, ASlowRequestIsRecordedBeforeItsAnswer) {
  bed.upstream.then(FakeAnswer{.body = "{}"}.after(seconds(1)));
  FakeExchange exchange = bed.post(bearer());
  bed.serve(exchange);
  bed.executor.advance(std::chrono::milliseconds(200));
  EXPECT_TRUE(bed.audit_file.contains("\"event\":\"request_open\""));
  EXPECT_EQ(exchange.status(), 0);
  bed.executor.advance(seconds(1));
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(audit_lines().size(), 1u);
}

TEST_F(Gateway, ARequestThatIsGivenUpIsRecorded) {
  bed.upstream.then({.never = true});
  FakeExchange exchange = bed.post(bearer());
  {
    Task<void> given_up = bed.gateway().serve(exchange);
    given_up.start();
    EXPECT_EQ(bed.upstream.requests().size(), 1u);
  }
  ASSERT_TRUE(bed.audit.flush());
  EXPECT_TRUE(bed.audit_file.contains("\"event\":\"request_open\""));
}

TEST_F(Gateway, ADenialIsRecordedBeforeItsAnswerLeaves) {
  FakeExchange exchange = bed.get("ApiKey " + bed.key(), "/none");
  exchange.fail_sends();  // the answer does not get through: the line is there all the same
  bed.serve(exchange);
  EXPECT_TRUE(bed.audit_file.contains("\"outcome\":\"deny\""));
  EXPECT_TRUE(bed.audit_file.contains("\"reason\":\"route_unknown\""));
  EXPECT_TRUE(exchange.aborted());
}

TEST_F(Gateway, ADenialAfterTheProofNamesTheClient) {
  FakeExchange exchange = bed.post("Bearer " + bed.token({.scope = "payments:read"}));
  bed.serve(exchange);
  ASSERT_EQ(audit_lines().size(), 1u);
  EXPECT_EQ(audit_lines()[0]["client"], "pay");
  EXPECT_EQ(audit_lines()[0]["detail"], "lacks payments:write");
}

TEST_F(Gateway, NoSecretReachesTheAuditLog) {
  const std::string key = bed.key();
  const std::string token = bed.token();
  for (const std::string& value : {"ApiKey " + key, "Bearer " + token, "ApiKey " + token,
                                   "Bearer " + key, "Basic " + token, key + " " + token}) {
    FakeExchange exchange = bed.get(value, "/v1/payments/7?access=" + token);
    bed.serve(exchange);
  }
  ASSERT_EQ(audit_lines().size(), 6u);
  EXPECT_FALSE(bed.audit_file.contains(token));
  EXPECT_FALSE(bed.audit_file.contains(token.substr(token.rfind('.') + 1)));
  EXPECT_FALSE(bed.audit_file.contains(protocol::parse_api_key(key)->secret));
}

TEST_F(Gateway, WhatAClientSendsCannotForgeAnAuditLine) {
  FakeExchange exchange = bed.get(bearer(), "/v1/payments/7\",\"outcome\":\"allow");
  bed.serve(exchange);
  ASSERT_EQ(audit_lines().size(), 1u);
  EXPECT_EQ(audit_lines()[0]["outcome"], "deny");
  EXPECT_EQ(audit_lines()[0]["path"], "/v1/payments/7\",\"outcome\":\"allow");
}

TEST_F(Gateway, WithoutAnAuditLogNothingIsAllowed) {
  bed.audit_file.room = 0;
  FakeExchange allowed = bed.get(bearer());
  EXPECT_EQ(bed.reason(allowed), "audit_unavailable");
  EXPECT_EQ(allowed.status(), 503);
  EXPECT_TRUE(bed.upstream.requests().empty());
  FakeExchange denied = bed.get("Bearer abc");
  EXPECT_EQ(bed.reason(denied), "audit_unavailable");
  bed.audit_file.room = SIZE_MAX;
  FakeExchange again = bed.get(bearer());
  EXPECT_EQ(bed.reason(again), "");
}

TEST_F(Gateway, ALogThatBreaksLaterStopsTheNextRequest) {
  FakeExchange first = bed.get(bearer());
  ASSERT_EQ(bed.reason(first), "");
  bed.audit_file.room = 10;
  bed.executor.advance(std::chrono::milliseconds(100));
  FakeExchange second = bed.get(bearer());
  EXPECT_EQ(bed.reason(second), "audit_unavailable");
  bed.audit_file.room = SIZE_MAX;
  FakeExchange third = bed.get(bearer());
  EXPECT_EQ(bed.reason(third), "");
}

TEST_F(Gateway, DecisionIdsDiffer) {
  FakeExchange first = bed.get(bearer());
  FakeExchange second = bed.get(bearer());
  bed.serve(first);
  bed.serve(second);
  EXPECT_NE(first.response_field("Countersign-Decision-Id"),
            second.response_field("Countersign-Decision-Id"));
}

}  // namespace
}  // namespace countersign::provider
