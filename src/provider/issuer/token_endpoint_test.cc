// What the token endpoint grants, refuses and records.

#include "provider/issuer/token_endpoint.h"

#include <gtest/gtest.h>

#include "protocol/confirmation.h"
#include "protocol/token_id.h"
#include "provider/issuer/issuer_testbed.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::hours;
using testing::IssuerTestbed;
using testing::seconds;
using testing::TestCertificates;
using testing::thumbprint_of;

class TokenEndpointTest : public ::testing::Test {
 protected:
  IssuerTestbed bed;
  const crypto::VerifiedPeer& shop = TestCertificates::get().shop;
};

// RFC 6749 §5.1
TEST_F(TokenEndpointTest, AnswersWithATokenThatNobodyMayKeep) {
  FakeExchange exchange = bed.good("&scope=payments%3Aread");
  ASSERT_EQ(bed.outcome(exchange), "");
  EXPECT_TRUE(exchange.complete());
  EXPECT_EQ(exchange.response_field("Content-Type"), "application/json");
  EXPECT_EQ(exchange.response_field("Cache-Control"), "no-store");
  EXPECT_EQ(exchange.response_field("Pragma"), "no-cache");
  const auto response = protocol::parse_token_response(exchange.answer()).value();
  EXPECT_EQ(response.token_type, protocol::TokenType::bearer);
  EXPECT_EQ(response.expires_in.seconds, seconds(300));
  EXPECT_EQ(response.scope->to_string(), "payments:read");
}

// RFC 9068 §2
TEST_F(TokenEndpointTest, MakesAccessTokensOfRfc9068) {
  const jose::VerifiedToken token = bed.grant(bed.good("&scope=payments:read"));
  EXPECT_EQ(token.typ(), "at+jwt");
  EXPECT_EQ(token.kid(), jose::thumbprint(bed.signing_key.public_key()));
  EXPECT_EQ(token.issuer(), "https://issuer.example");
  EXPECT_EQ(token.audiences(), std::vector<std::string>{"https://api.example"});
  EXPECT_EQ(token.subject(), "shop");
  EXPECT_EQ(token.client_id(), "shop");
  EXPECT_EQ(token.scope(), "payments:read");
  EXPECT_EQ(token.issued_at(), bed.clock.wall_now());
  EXPECT_EQ(token.expires_at(), bed.clock.wall_now() + seconds(300));
  EXPECT_TRUE(token.confirmations().empty());
  ASSERT_NE(token.string_claim("credential_id"), nullptr);
  EXPECT_EQ(*token.string_claim("credential_id"), bed.last_secret().secret_id);
}

TEST_F(TokenEndpointTest, NamesTheTimeOfIssueToTheMicrosecondInTheTokenId) {
  bed.clock.advance(std::chrono::microseconds(250'001));
  const jose::VerifiedToken first = bed.grant(bed.good());
  const auto id = protocol::TokenId::parse(first.jwt_id());
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->issued_at, bed.clock.wall_now());
  EXPECT_EQ(first.issued_at(), std::chrono::floor<seconds>(bed.clock.wall_now()));
  EXPECT_NE(first.jwt_id(), bed.grant(bed.good()).jwt_id());
}

TEST_F(TokenEndpointTest, UsesTheClientsOwnLifetimeUpToTheMaximum) {
  bed.client("shop").token_lifetime = seconds(60);
  bed.load();
  EXPECT_EQ(bed.grant(bed.good()).expires_at(), bed.clock.wall_now() + seconds(60));
  bed.client("shop").token_lifetime = hours(48);
  bed.load();
  FakeExchange exchange = bed.good();
  ASSERT_EQ(bed.outcome(exchange), "");
  EXPECT_EQ(protocol::parse_token_response(exchange.answer())->expires_in.seconds, hours(1));
  EXPECT_EQ(bed.token(exchange)->expires_at(), bed.clock.wall_now() + hours(1));
}

// Binding.

// RFC 8705 §3
TEST_F(TokenEndpointTest, BindsTheTokenToTheCertificateThatProvedTheClient) {
  bed.add_client("bank", ClientAuthMethod::tls_client_auth).certificates.thumbprints = {
      thumbprint_of(shop)};
  bed.load();
  FakeExchange exchange = bed.request("grant_type=client_credentials&client_id=bank");
  exchange.certificate(&shop);
  ASSERT_EQ(bed.outcome(exchange), "");
  const auto token = bed.token(exchange).value();
  const auto confirmation = protocol::read_confirmation(token.confirmations());
  ASSERT_TRUE(confirmation.has_value());
  EXPECT_EQ(confirmation->certificate, shop.certificate().thumbprint);
  EXPECT_EQ(token.string_claim("credential_id"), nullptr);
}

TEST_F(TokenEndpointTest, BindsTheTokenOfASecretWhereTheClientAsksForIt) {
  bed.client("shop").certificate_bound_access_tokens = true;
  bed.load();
  FakeExchange exchange = bed.good();
  exchange.certificate(&shop);
  ASSERT_EQ(bed.outcome(exchange), "");
  const auto token = bed.token(exchange).value();
  EXPECT_EQ(protocol::read_confirmation(token.confirmations())->certificate,
            shop.certificate().thumbprint);
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/certificate_missing");
}

TEST_F(TokenEndpointTest, DoesNotBindWhereNobodyAskedForIt) {
  FakeExchange exchange = bed.good();
  exchange.certificate(&shop);
  ASSERT_EQ(bed.outcome(exchange), "");
  EXPECT_TRUE(bed.token(exchange)->confirmations().empty());
}

// Scopes and resources.

// RFC 6749 §3.3
TEST_F(TokenEndpointTest, GrantsTheRegisteredScopesIfNoneIsNamed) {
  EXPECT_EQ(bed.grant(bed.good()).scope(), "payments:read payments:write");
  EXPECT_EQ(bed.grant(bed.good("&scope=")).scope(), "payments:read payments:write");
}

TEST_F(TokenEndpointTest, RefusesScopesBeyondTheRegisteredOnes) {
  EXPECT_EQ(bed.outcome(bed.good("&scope=payments:read+admin")), "invalid_scope/scope_not_allowed");
  EXPECT_TRUE(bed.audit_file.contains(R"("detail":"admin")"));
  EXPECT_EQ(bed.outcome(bed.good("&scope=payments")), "invalid_scope/scope_not_allowed");
  EXPECT_EQ(bed.outcome(bed.good("&scope=Payments:read")), "invalid_scope/scope_not_allowed");
  EXPECT_EQ(bed.outcome(bed.good("&scope=payments:read++payments:write")),
            "invalid_scope/scope_not_allowed");
}

TEST_F(TokenEndpointTest, GrantsATokenWithoutScopesToAClientThatHasNone) {
  bed.client("shop").scopes.clear();
  bed.load();
  EXPECT_EQ(bed.grant(bed.good()).scope(), "");
  EXPECT_EQ(bed.outcome(bed.good("&scope=payments:read")), "invalid_scope/scope_not_allowed");
}

// RFC 8707 §2
TEST_F(TokenEndpointTest, KnowsOneResource) {
  EXPECT_EQ(bed.outcome(bed.good("&resource=https%3A%2F%2Fapi.example")), "");
  EXPECT_EQ(bed.outcome(bed.good("&resource=")), "");
  EXPECT_EQ(bed.outcome(bed.good("&resource=https%3A%2F%2Fapi.example%2F")),
            "invalid_target/target_not_allowed");
  EXPECT_EQ(bed.outcome(bed.good("&resource=https%3A%2F%2Fother.example")),
            "invalid_target/target_not_allowed");
}

// The request.

TEST_F(TokenEndpointTest, KnowsOneGrantType) {
  const auto with_grant = [&](std::string_view body) {
    FakeExchange exchange = bed.request(body);
    exchange.field(
        "Authorization",
        http::basic_credentials("shop", Secret::copy_of(bed.shop_secret)).unsafe_reveal_text());
    return bed.outcome(exchange);
  };
  EXPECT_EQ(with_grant("grant_type=client_credentials"), "");
  EXPECT_EQ(with_grant(""), "invalid_request/request_malformed");
  EXPECT_EQ(with_grant("grant_type="), "invalid_request/request_malformed");
  EXPECT_EQ(with_grant("grant_type=password"), "unsupported_grant_type/grant_type_unsupported");
  EXPECT_EQ(with_grant("grant_type=Client_Credentials"),
            "unsupported_grant_type/grant_type_unsupported");
}

// reliability A2.31, RFC 6749 §3.2
TEST_F(TokenEndpointTest, RefusesRepeatedParameters) {
  for (const char* more :
       {"&scope=payments:read&scope=payments:read", "&grant_type=password", "&x=1&x=1",
        "&client_id=shop&client_id=post", "&resource=a&resource=b"}) {
    EXPECT_EQ(bed.outcome(bed.good(more)), "invalid_request/request_malformed") << more;
  }
}

TEST_F(TokenEndpointTest, RefusesBodiesThatAreNoForm) {
  for (const char* more : {"&a=%zz", "&a=%ff", "&a=%00", "&&", "&=x"}) {
    EXPECT_EQ(bed.outcome(bed.good(more)), "invalid_request/request_malformed") << more;
  }
}

TEST_F(TokenEndpointTest, AcceptsFormsOnly) {
  FakeExchange json("POST", "/oauth2/token");
  json.field("Content-Type", "application/json").body(R"({"grant_type":"client_credentials"})");
  EXPECT_EQ(bed.outcome(json), "invalid_request/media_type_unsupported");
  EXPECT_EQ(json.status(), 415);
  FakeExchange none("POST", "/oauth2/token");
  none.body("grant_type=client_credentials");
  EXPECT_EQ(bed.outcome(none), "invalid_request/media_type_unsupported");
  FakeExchange two = bed.good();
  two.field("Content-Type", "application/json");
  EXPECT_EQ(bed.outcome(two), "invalid_request/media_type_unsupported");
}

TEST_F(TokenEndpointTest, AcceptsPostOnly) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"}) {
    FakeExchange exchange(method, "/oauth2/token");
    exchange.field("Content-Type", http::form_content_type);
    EXPECT_EQ(bed.outcome(exchange), "invalid_request/method_not_allowed") << method;
    EXPECT_EQ(exchange.status(), 405);
    EXPECT_EQ(exchange.response_field("Allow"), "POST");
  }
}

// RFC 6749 §2.3.1: credentials are never in the request's URI.
TEST_F(TokenEndpointTest, RefusesParametersInTheQuery) {
  FakeExchange exchange("POST", "/oauth2/token?client_secret=" + bed.shop_secret);
  exchange.field("Content-Type", http::form_content_type)
      .body("grant_type=client_credentials&client_id=shop");
  EXPECT_EQ(bed.outcome(exchange), "invalid_request/request_malformed");
  EXPECT_FALSE(bed.audit_file.contains(bed.shop_secret));
}

TEST_F(TokenEndpointTest, BoundsTheBody) {
  const std::string start = "&x=";
  const size_t used = std::string("grant_type=client_credentials").size() + start.size();
  const size_t most = 8 * 1024 - used;
  EXPECT_EQ(bed.outcome(bed.good(start + std::string(most, 'a'))), "");
  FakeExchange longer = bed.good(start + std::string(most + 1, 'a'));
  EXPECT_EQ(bed.outcome(longer), "invalid_request/body_too_large");
  EXPECT_EQ(longer.status(), 413);
  EXPECT_TRUE(longer.closes());
  EXPECT_EQ(longer.reads(), 0);
  FakeExchange chunked = bed.good();
  chunked.chunked_body({std::string(8 * 1024, 'a'), "a", std::string(1024, 'a')});
  EXPECT_EQ(bed.outcome(chunked), "invalid_request/body_too_large");
  EXPECT_EQ(chunked.reads(), 2);
}

TEST_F(TokenEndpointTest, ReadsABodyThatArrivesInPieces) {
  FakeExchange exchange = bed.good();
  exchange.chunked_body({"grant_ty", "pe=client_creden", "tials"});
  EXPECT_EQ(bed.outcome(exchange), "");
}

TEST_F(TokenEndpointTest, GivesUpAConnectionThatBreaksInTheBody) {
  FakeExchange exchange = bed.good();
  exchange.failing_body(make_error(ErrorKind::unavailable, "http.client_connection_lost", "lost"));
  bed.serve(exchange);
  EXPECT_TRUE(exchange.aborted());
  EXPECT_EQ(exchange.status(), 0);
}

TEST_F(TokenEndpointTest, SurvivesAnAnswerThatCannotBeSent) {
  FakeExchange exchange = bed.good();
  exchange.fail_sends();
  bed.serve(exchange);
  EXPECT_FALSE(exchange.complete());
  EXPECT_EQ(bed.executor.tasks_running(), 0u);
}

// reliability A2.33: nothing of one request stays for the next.
TEST_F(TokenEndpointTest, KeepsNothingBetweenRequests) {
  EXPECT_EQ(bed.outcome(bed.good()), "");
  EXPECT_EQ(bed.outcome(bed.request("grant_type=client_credentials")),
            "invalid_client/credential_missing");
  EXPECT_EQ(bed.grant(bed.good("&scope=payments:read")).scope(), "payments:read");
  EXPECT_EQ(bed.grant(bed.good()).scope(), "payments:read payments:write");
}

// Recording.

TEST_F(TokenEndpointTest, RecordsEveryDecisionUnderTheIdThatItAnswers) {
  FakeExchange granted = bed.good();
  bed.serve(granted);
  FakeExchange refused = bed.good("&scope=admin");
  bed.serve(refused);
  for (const FakeExchange* exchange : {&granted, &refused}) {
    const auto id = exchange->response_field("Countersign-Decision-Id");
    ASSERT_TRUE(id.has_value());
    EXPECT_TRUE(protocol::DecisionId::parse(*id).has_value());
    EXPECT_TRUE(bed.audit_file.contains(*id));
  }
  EXPECT_EQ(protocol::parse_oauth_error_response(refused.answer())->decision_id,
            refused.response_field("Countersign-Decision-Id"));
  EXPECT_TRUE(bed.audit_file.contains(bed.token(granted)->jwt_id()));
  EXPECT_TRUE(bed.audit_file.contains("client_secret_basic"));
}

TEST_F(TokenEndpointTest, GrantsNothingThatCannotBeRecorded) {
  bed.audit_file.room = 0;
  FakeExchange exchange = bed.good();
  EXPECT_EQ(bed.outcome(exchange), "temporarily_unavailable/audit_unavailable");
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.response_field("Retry-After"), "1");
  EXPECT_EQ(exchange.answer().find("access_token"), std::string::npos);
  bed.audit_file.room = SIZE_MAX;
  EXPECT_EQ(bed.outcome(bed.good()), "");
}

TEST_F(TokenEndpointTest, GrantsNothingWhileTheRecordIsStale) {
  bed.executor.advance(std::chrono::milliseconds(2000));
  EXPECT_EQ(bed.outcome(bed.good()), "");
  bed.executor.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(bed.outcome(bed.good()), "temporarily_unavailable/record_stale");
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "");
}

TEST_F(TokenEndpointTest, SeesAChangeOfTheRecordWithTheNextRequest) {
  EXPECT_EQ(bed.outcome(bed.good()), "");
  bed.client("shop").status = ClientStatus::disabled;
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/client_disabled");
}

}  // namespace
}  // namespace countersign::provider
