// The client credentials grant against a scripted issuer.

#include "consumer/token_source.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/test_executor.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using testing::FakeAnswer;

FakeAnswer json(int status, std::string body) {
  return {.status = status,
          .fields = {{"Content-Type", "application/json;charset=UTF-8"}},
          .body = std::move(body)};
}
FakeAnswer token(std::string members = R"(,"expires_in":300)") {
  return json(200, R"({"access_token":"abc.def","token_type":"Bearer")" + members + "}");
}
FakeAnswer oauth_error(int status, std::string_view code) {
  return json(status, R"({"error":")" + std::string(code) + R"("})");
}

class OAuthTokenSourceTest : public ::testing::Test {
 protected:
  OAuthSourceOptions options() const {
    return {.issuer = "https://issuer.example",
            .token_path = "/oauth2/token",
            .client_id = "shop one",
            .client_secret = Secret::copy_of("p:ss/w"),
            .scopes = {"payments:read", "payments:write"},
            .resource = "https://api.example"};
  }
  std::expected<TokenGrant, TokenFailure> fetch(OAuthTokenSource& source,
                                                std::chrono::nanoseconds time = 10s) {
    std::optional<std::expected<TokenGrant, TokenFailure>> result;
    loop_.spawn(fetch_into(source, loop_.now() + time, result));
    loop_.advance(time);
    if (!result) panic("a token request did not end by its deadline");
    return *std::move(result);
  }
  std::expected<TokenGrant, TokenFailure> fetch_one(FakeAnswer answer) {
    issuer_.then(std::move(answer));
    OAuthTokenSource source(issuer_, clock_, options());
    return fetch(source);
  }
  void expect_transient(FakeAnswer answer, std::string_view code) {
    const auto result = fetch_one(std::move(answer));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error.code, code);
    EXPECT_FALSE(result.error().permanent);
  }

  testing::FakeClock clock_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient issuer_{loop_};

 private:
  static Task<void> fetch_into(OAuthTokenSource& source, BootTime deadline,
                               std::optional<std::expected<TokenGrant, TokenFailure>>& result) {
    auto got = co_await source.fetch({.deadline = deadline});
    result.emplace(std::move(got));
  }
};

TEST_F(OAuthTokenSourceTest, SendsTheGrantWithFormEncodedBasicCredentials) {
  const auto grant = fetch_one(token());
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->access_token.unsafe_reveal_text(), "abc.def");
  EXPECT_EQ(grant->lifetime, 300s);
  const testing::FakeRequest& request = issuer_.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/oauth2/token");
  EXPECT_EQ(request.value("Content-Type"), "application/x-www-form-urlencoded");
  // RFC 6749 §2.3.1: "shop%20one:p%3Ass%2Fw", in base64 (a form may also write the space as '+').
  EXPECT_EQ(request.value("Authorization"), "Basic c2hvcCUyMG9uZTpwJTNBc3MlMkZ3");
  EXPECT_EQ(request.body,
            "grant_type=client_credentials&scope=payments%3Aread%20payments%3Awrite"
            "&resource=https%3A%2F%2Fapi.example");
}

TEST_F(OAuthTokenSourceTest, NamesTheClientInTheBodyWhenTheCertificateAuthenticatesIt) {
  for (const auto method :
       {ClientAuthMethod::tls_client_auth, ClientAuthMethod::self_signed_tls_client_auth}) {
    OAuthSourceOptions wanted = options();
    wanted.auth = method;
    wanted.client_secret = {};
    wanted.scopes = {};
    wanted.resource = {};
    issuer_.then(token());
    OAuthTokenSource source(issuer_, clock_, std::move(wanted));
    ASSERT_TRUE(fetch(source));
    const testing::FakeRequest& request = issuer_.requests().back();
    EXPECT_EQ(request.count("Authorization"), 0u);
    EXPECT_EQ(request.body, "grant_type=client_credentials&client_id=shop%20one");
  }
}

TEST_F(OAuthTokenSourceTest, ReadsEveryShapeOfExpiresIn) {
  struct Case {
    const char* members;
    std::optional<std::chrono::seconds> lifetime;
  };
  for (const Case& c : std::vector<Case>{{"", std::nullopt},
                                         {R"(,"expires_in":null)", std::nullopt},
                                         {R"(,"expires_in":"soon")", std::nullopt},
                                         {R"(,"expires_in":"3600")", 3600s},
                                         {R"(,"expires_in":1)", 1s},
                                         {R"(,"expires_in":99999999999)", 365 * 24 * 3600s}}) {
    const auto grant = fetch_one(token(c.members));
    ASSERT_TRUE(grant) << c.members;
    EXPECT_EQ(grant->lifetime, c.lifetime) << c.members;
  }
}

TEST_F(OAuthTokenSourceTest, RefusesATokenWithoutLifetime) {
  expect_transient(token(R"(,"expires_in":0)"), "consumer.token_ended_on_arrival");
  expect_transient(token(R"(,"expires_in":-5)"), "consumer.token_ended_on_arrival");
}

TEST_F(OAuthTokenSourceTest, EveryAnswerThatIsNoTokenIsATransientFailure) {
  expect_transient({.status = 500}, "consumer.issuer_unavailable");
  expect_transient({.status = 503}, "consumer.issuer_unavailable");
  expect_transient({.status = 404}, "consumer.issuer_unavailable");
  expect_transient({.status = 302, .fields = {{"Location", "https://other.example/"}}},
                   "consumer.issuer_unavailable");
  expect_transient(json(200, ""), "oauth.bad_token_response");
  expect_transient(json(200, "<html>"), "oauth.bad_token_response");
  expect_transient(json(200, "[]"), "oauth.bad_token_response");
  expect_transient(json(200, R"({"token_type":"Bearer","expires_in":300})"),
                   "oauth.bad_token_response");
  expect_transient(json(200, R"({"access_token":"a\r\nX: y","token_type":"Bearer"})"),
                   "oauth.bad_token_response");
  expect_transient(json(200, R"({"access_token":"a","token_type":"mac"})"),
                   "oauth.unknown_token_type");
  expect_transient(json(200, R"({"access_token":"a","token_type":"DPoP","expires_in":300})"),
                   "consumer.token_type_not_bearer");
  expect_transient({.status = 200, .body = R"({"access_token":"a","token_type":"Bearer"})"},
                   "consumer.token_answer_not_json");
  expect_transient({.lost = http::SendState::unknown}, "http.upstream_lost");
}

TEST_F(OAuthTokenSourceTest, AnEndlessBodyIsCutOff) {
  FakeAnswer endless = json(200, std::string(4096, ' '));
  endless.endless_body = true;
  expect_transient(std::move(endless), "http.response_too_large");
}

TEST_F(OAuthTokenSourceTest, AnIssuerThatNeverAnswersEndsAtTheDeadline) {
  expect_transient({.never = true}, "http.upstream_timeout");
}

TEST_F(OAuthTokenSourceTest, AnAnswerThatDripsEndsAtTheDeadline) {
  FakeAnswer dripping = json(200, " ");
  dripping.endless_body = true;
  dripping.drip = 300ms;
  expect_transient(std::move(dripping), "http.upstream_timeout");
}

TEST_F(OAuthTokenSourceTest, VerdictsAboutTheClientArePermanent) {
  for (const auto& [status, code] :
       std::vector<std::pair<int, std::string_view>>{{401, "invalid_client"},
                                                     {400, "invalid_client"},
                                                     {400, "unauthorized_client"},
                                                     {400, "invalid_scope"},
                                                     {400, "invalid_target"},
                                                     {400, "unsupported_grant_type"}}) {
    const auto result = fetch_one(oauth_error(status, code));
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().permanent) << code;
    EXPECT_EQ(result.error().error.code, "consumer.issuer_refuses_client");
    EXPECT_EQ(result.error().error.kind, ErrorKind::misconfigured);
    EXPECT_EQ(result.error().error.private_detail, code);
  }
}

TEST_F(OAuthTokenSourceTest, TheSameWordsFromAFailingServerAreNotAVerdict) {
  expect_transient(oauth_error(500, "invalid_client"), "consumer.issuer_unavailable");
  expect_transient(oauth_error(400, "temporarily_unavailable"), "consumer.issuer_unavailable");
  expect_transient(oauth_error(400, "server_error"), "consumer.issuer_unavailable");
  expect_transient(oauth_error(400, "something_else"), "consumer.issuer_unavailable");
  FakeAnswer page = oauth_error(401, "invalid_client");
  page.fields = {{"Content-Type", "text/html"}};
  expect_transient(std::move(page), "consumer.issuer_unavailable");
}

TEST_F(OAuthTokenSourceTest, HandsOnRetryAfterInSecondsAndAsADate) {
  auto result = fetch_one({.status = 429, .fields = {{"Retry-After", "120"}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().retry_after, BootClock::duration(120s));
  // The clock of these tests begins at 1800000000 and has moved on by one deadline.
  result = fetch_one({.status = 503, .fields = {{"Retry-After", "Fri, 15 Jan 2027 08:01:00 GMT"}}});
  ASSERT_FALSE(result);
  ASSERT_TRUE(result.error().retry_after);
  EXPECT_GT(*result.error().retry_after, 30s);
  EXPECT_LE(*result.error().retry_after, 60s);
  result = fetch_one({.status = 503, .fields = {{"Retry-After", "later"}}});
  EXPECT_FALSE(result.error().retry_after);
}

class Discovery : public OAuthTokenSourceTest {
 protected:
  OAuthSourceOptions discovering() const {
    OAuthSourceOptions wanted = options();
    wanted.token_path = {};
    return wanted;
  }
  static FakeAnswer metadata(std::string_view issuer, std::string_view endpoint,
                             std::string_view more = "") {
    return json(200, R"({"issuer":")" + std::string(issuer) + R"(","token_endpoint":")" +
                         std::string(endpoint) + R"(","response_types_supported":[])" +
                         std::string(more) + "}");
  }
};

TEST_F(Discovery, FindsTheTokenEndpointOnce) {
  issuer_.then(metadata("https://issuer.example", "https://issuer.example:443/t?x=1"))
      .then(token())
      .then(token());
  OAuthTokenSource source(issuer_, clock_, discovering());
  EXPECT_TRUE(fetch(source));
  EXPECT_TRUE(fetch(source));
  ASSERT_EQ(issuer_.requests().size(), 3u);
  EXPECT_EQ(issuer_.requests()[0].method, "GET");
  EXPECT_EQ(issuer_.requests()[0].target, "/.well-known/oauth-authorization-server");
  EXPECT_EQ(issuer_.requests()[0].count("Authorization"), 0u);
  EXPECT_EQ(issuer_.requests()[1].target, "/t?x=1");
  EXPECT_EQ(issuer_.requests()[2].target, "/t?x=1");
}

TEST_F(Discovery, SendsNoCredentialAfterMetadataOfAnotherIssuer) {
  issuer_.then(metadata("https://other.example", "https://issuer.example/t"));
  OAuthTokenSource source(issuer_, clock_, discovering());
  const auto result = fetch(source);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.code, "metadata.wrong_issuer");
  EXPECT_EQ(issuer_.requests().size(), 1u);
}

TEST_F(Discovery, SendsNoCredentialToAnotherHost) {
  issuer_.then(metadata("https://issuer.example", "https://other.example/t"))
      .then(metadata("https://issuer.example", "https://issuer.example:8443/t"));
  OAuthTokenSource source(issuer_, clock_, discovering());
  for (int i = 0; i < 2; ++i) {
    const auto result = fetch(source);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error.code, "consumer.token_endpoint_elsewhere");
  }
}

TEST_F(Discovery, AsksAgainAfterAFailure) {
  issuer_.then({.status = 503})
      .then(metadata("https://issuer.example", "https://issuer.example/t"))
      .then(token());
  OAuthTokenSource source(issuer_, clock_, discovering());
  const auto first = fetch(source);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().error.code, "consumer.no_metadata");
  EXPECT_TRUE(fetch(source));
}

TEST_F(Discovery, TakesTheMutualTlsAliasWithACertificate) {
  issuer_
      .then(
          metadata("https://issuer.example", "https://issuer.example/t",
                   R"(,"mtls_endpoint_aliases":{"token_endpoint":"https://issuer.example/mtls"})"))
      .then(token());
  OAuthSourceOptions wanted = discovering();
  wanted.auth = ClientAuthMethod::tls_client_auth;
  OAuthTokenSource source(issuer_, clock_, std::move(wanted));
  EXPECT_TRUE(fetch(source));
  EXPECT_EQ(issuer_.requests().at(1).target, "/mtls");
}

}  // namespace
}  // namespace countersign::consumer
