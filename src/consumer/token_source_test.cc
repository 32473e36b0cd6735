// The client credentials grant against a scripted issuer.

#include "consumer/token_source.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consumer/token_source_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

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

TEST_F(OAuthTokenSourceTest, AddsTheCredentialBehindEverythingElseThatIsAsked) {
  OAuthSourceOptions wanted = options();
  wanted.auth = authentication("client_secret_post");
  wanted.resources = {"https://a.example", "urn:b"};
  wanted.extra_parameters = {{"audience", "pay ments"}};
  issuer_.then(token());
  OAuthTokenSource source(issuer_, clock_, entropy_, std::move(wanted));
  ASSERT_TRUE(fetch(source));
  const testing::FakeRequest& request = issuer_.requests().back();
  EXPECT_EQ(request.count("Authorization"), 0u);
  EXPECT_EQ(request.body,
            "grant_type=client_credentials&scope=payments%3Aread%20payments%3Awrite"
            "&resource=https%3A%2F%2Fa.example&resource=urn%3Ab&audience=pay%20ments"
            "&client_id=shop%20one&client_secret=p%3Ass%2Fw");
}

TEST_F(OAuthTokenSourceTest, ExtraParametersCannotSetWhatOAuth2Defines) {
  EXPECT_TRUE(check_extra_parameters({}));
  EXPECT_TRUE(check_extra_parameters({{"audience", "x"}, {"tenant", "y"}}));
  for (const char* name :
       {"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type",
        "scope", "resource", "refresh_token", "code", "assertion", "request_uri", ""}) {
    const auto checked = check_extra_parameters({{name, "x"}});
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, "consumer.bad_setting");
    EXPECT_EQ(checked.error().kind, ErrorKind::misconfigured);
  }
  EXPECT_FALSE(check_extra_parameters({{"audience", ""}}));
  EXPECT_FALSE(check_extra_parameters({{"audience", "a\nb"}}));
  std::map<std::string, std::string> many;
  for (int i = 0; i < 16; ++i) many["p" + std::to_string(i)] = "v";
  EXPECT_TRUE(check_extra_parameters(many));
  many["q"] = "v";
  EXPECT_FALSE(check_extra_parameters(many));
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

}  // namespace
}  // namespace countersign::consumer
