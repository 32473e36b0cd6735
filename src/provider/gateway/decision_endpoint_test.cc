#include "provider/gateway/decision_endpoint.h"

#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "core/json.h"
#include "provider/gateway/gateway_testbed.h"
#include "support/temporary_folder.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::GatewayTestbed;

class DecisionEndpointTest : public ::testing::Test {
 protected:
  // What the gateway decided about the exchange: its id.
  std::string decided(FakeExchange exchange) {
    bed.serve(exchange);
    EXPECT_TRUE(bed.audit.flush());
    std::ofstream(path(), std::ios::trunc) << bed.audit_file.text;
    return exchange.response_field("Countersign-Decision-Id").value_or("");
  }
  std::string path() const { return folder / "audit.jsonl"; }
  FakeExchange ask(std::string_view authorization, const std::string& decision) {
    return bed.get(authorization, std::string(decisions_path) + decision);
  }
  // The status, after the worker has answered.
  int serve(FakeExchange& exchange) {
    bed.executor.spawn(endpoint->serve(exchange));
    bed.executor.run();
    while (bed.executor.tasks_running() > 0) {
      std::this_thread::yield();
      bed.executor.run();
    }
    return exchange.status();
  }

  testing::TemporaryFolder folder;
  GatewayTestbed bed;
  Worker lookups{{.threads = 1, .queue_max = 4}};
  std::unique_ptr<DecisionEndpoint> endpoint =
      DecisionEndpoint::create(path(), GatewayTestbed::default_options(),
                               {bed.view, bed.trust, bed.peppers, bed.audit, lookups, bed.clock,
                                bed.executor, bed.entropy})
          .value();
};

TEST_F(DecisionEndpointTest, ShowsAClientItsOwnSideOfARefusal) {
  const std::string key = "ApiKey " + bed.key({.client_id = "pay", .scopes = {"payments:read"}});
  const std::string decision = decided(bed.post(key));
  FakeExchange exchange = ask(key, decision);
  ASSERT_EQ(serve(exchange), 200) << exchange.answer();
  const Json shown = parse_json(exchange.answer()).value();
  EXPECT_EQ(shown["decision_id"], decision);
  EXPECT_EQ(shown["outcome"], "deny");
  EXPECT_EQ(shown["reason"], "scope_insufficient");
  EXPECT_EQ(shown["client_id"], "pay");
  EXPECT_EQ(shown["your_address"], "10.1.2.3");
  EXPECT_FALSE(has_member(shown, "detail"));
  EXPECT_EQ(exchange.response_field("Cache-Control"), "no-store");
}

TEST_F(DecisionEndpointTest, ShowsNobodyAnothersDecisionNorWhetherItIsThere) {
  const std::string pay = "ApiKey " + bed.key({.client_id = "pay"});
  const std::string decision = decided(bed.get(pay));
  const std::string other = "ApiKey " + bed.key({.client_id = "shop"});
  const auto& shop = testing::TestCertificates::get().shop;
  FakeExchange theirs = ask(other, decision);
  theirs.certificate(&shop);
  FakeExchange nobodys = ask(other, "01M86SMQ2HVCR30PSS2G8D4Z8E");
  nobodys.certificate(&shop);
  EXPECT_EQ(serve(theirs), 404);
  EXPECT_EQ(serve(nobodys), 404);
  const auto without_id = [](const FakeExchange& exchange) {
    Json document = parse_json(exchange.answer()).value();
    document.erase("decision_id");
    return to_text(document);
  };
  EXPECT_EQ(without_id(theirs), without_id(nobodys));
}

TEST_F(DecisionEndpointTest, ARefusalInAClientsNameThatWasNotProvenIsNotItsOwn) {
  std::string line;
  AuditLineWriter("gw").append(line,
                               {.event = AuditEvent::token,
                                .outcome = AuditOutcome::deny,
                                .decision_id = "01M86SMQ2HVCR30PSS2G8D4Z8E",
                                .client = "pay"},
                               protocol::DecisionId::parse("01M86SMQ2HVCR30PSS2G8D4Z8E")->time());
  std::ofstream(path()) << line;
  FakeExchange exchange =
      ask("ApiKey " + bed.key({.client_id = "pay"}), "01M86SMQ2HVCR30PSS2G8D4Z8E");
  EXPECT_EQ(serve(exchange), 404);
}

TEST_F(DecisionEndpointTest, WantsACredentialAndRecordsWhoHasNone) {
  FakeExchange exchange = ask("", "01M86SMQ2HVCR30PSS2G8D4Z8E");
  EXPECT_EQ(serve(exchange), 401);
  EXPECT_TRUE(bed.audit_file.contains("credential_missing"));
}

TEST_F(DecisionEndpointTest, WhatIsNoIdIsNotFound) {
  const std::string key = "ApiKey " + bed.key({.client_id = "pay"});
  for (const char* bad : {"x", "01M86SMQ2HVCR30PSS2G8D4Z8", "01m86smq2hvcr30pss2g8d4z8e"}) {
    FakeExchange exchange = ask(key, bad);
    EXPECT_EQ(serve(exchange), 404) << bad;
  }
}

}  // namespace
}  // namespace countersign::provider
