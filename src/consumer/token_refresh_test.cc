// Refresh tokens: used where an issuer gives them, and never in the way of a new grant.

#include "consumer/token_source_test_fixture.h"
#include "http/form.h"

namespace countersign::consumer {
namespace {

class RefreshToken : public OAuthTokenSourceTest {
 protected:
  static FakeAnswer token_with(std::string_view refresh_token) {
    return token(R"(,"expires_in":300,"refresh_token":")" + std::string(refresh_token) + '"');
  }
  // "grant_type" of a request, and the refresh token it shows.
  std::string asked(size_t index) const {
    const auto form = http::parse_form(issuer_.requests().at(index).body).value();
    return std::string(form.value("grant_type")) + ":" + std::string(form.value("refresh_token"));
  }

  OAuthTokenSource source_{issuer_, clock_, entropy_, options()};
};

TEST_F(RefreshToken, RenewsTheTokenForTheSameResourcesAsTheSameClient) {
  issuer_.then(token_with("r/1")).then(token());
  EXPECT_TRUE(fetch(source_));
  EXPECT_TRUE(fetch(source_));
  EXPECT_EQ(asked(0), "client_credentials:");
  EXPECT_EQ(issuer_.requests().at(1).body,
            "grant_type=refresh_token&refresh_token=r%2F1&resource=https%3A%2F%2Fapi.example");
  EXPECT_EQ(issuer_.requests().at(1).value("Authorization"),
            issuer_.requests().at(0).value("Authorization"));
}

TEST_F(RefreshToken, IsReplacedByANewOneAndKeptWhereNoneComes) {
  issuer_.then(token_with("r1")).then(token_with("r2")).then(token()).then(token());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(fetch(source_));
  EXPECT_EQ(asked(1), "refresh_token:r1");
  EXPECT_EQ(asked(2), "refresh_token:r2");
  EXPECT_EQ(asked(3), "refresh_token:r2");
}

TEST_F(RefreshToken, ThatIsRefusedGivesWayToANewGrantInTheSameAttempt) {
  for (const char* error : {"invalid_grant", "unsupported_grant_type", "unauthorized_client",
                            "invalid_scope", "invalid_request", "invalid_target"}) {
    OAuthTokenSource one(issuer_, clock_, entropy_, options());
    issuer_.then(token_with("r1")).then(oauth_error(400, error)).then(token()).then(token());
    const size_t before = issuer_.requests().size();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(fetch(one)) << error;
    EXPECT_EQ(asked(before + 1), "refresh_token:r1");
    EXPECT_EQ(asked(before + 2), "client_credentials:");
    EXPECT_EQ(asked(before + 3), "client_credentials:");  // never shown again
  }
}

TEST_F(RefreshToken, AVerdictOnTheClientIsReported) {
  issuer_.then(token_with("r1")).then(oauth_error(401, "invalid_client"));
  EXPECT_TRUE(fetch(source_));
  const auto result = fetch(source_);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().permanent);
  EXPECT_EQ(result.error().error.private_detail, "invalid_client");
  EXPECT_EQ(issuer_.requests().size(), 2u);
}

TEST_F(RefreshToken, IsNotShownAgainAfterAnAnswerThatWasLost) {
  issuer_.then(token_with("r1")).then({.lost = http::SendState::unknown}).then(token());
  EXPECT_TRUE(fetch(source_));
  EXPECT_FALSE(fetch(source_));
  EXPECT_TRUE(fetch(source_));
  EXPECT_EQ(asked(2), "client_credentials:");
}

TEST_F(RefreshToken, IsGivenUpWithAnAccessTokenThatTheProviderRefused) {
  issuer_.then(token_with("r1")).then(token());
  EXPECT_TRUE(fetch(source_));
  EXPECT_TRUE(fetch(source_, /*last_refused=*/true));
  EXPECT_EQ(asked(1), "client_credentials:");
}

TEST_F(RefreshToken, IsInNoError) {
  issuer_.then(token_with("verysecret")).then(oauth_error(401, "invalid_client"));
  EXPECT_TRUE(fetch(source_));
  const auto result = fetch(source_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.for_log().find("verysecret"), std::string::npos);
}

}  // namespace
}  // namespace countersign::consumer
