#include "protocol/oauth_error.h"

#include <gtest/gtest.h>

namespace countersign::protocol {
namespace {

TEST(OAuthError, RoundTripsEveryCode) {
  for (int i = 0; i < static_cast<int>(OAuthError::other); ++i) {
    const auto error = static_cast<OAuthError>(i);
    EXPECT_EQ(parse_oauth_error(row_of(error).code), error);
  }
  EXPECT_EQ(parse_oauth_error("invalid_Client"), OAuthError::other);
  EXPECT_EQ(parse_oauth_error("made_up"), OAuthError::other);
}

TEST(OAuthError, TellsWhatMayPassFromWhatWillNot) {
  EXPECT_FALSE(row_of(OAuthError::invalid_client).may_pass);
  EXPECT_TRUE(row_of(OAuthError::temporarily_unavailable).may_pass);
  EXPECT_EQ(row_of(OAuthError::invalid_client).status, 401);
}

TEST(OAuthErrorResponse, RoundTrips) {
  const std::string body =
      write_oauth_error(OAuthError::invalid_scope, "Not that one.", "scope_not_allowed", "01J");
  const auto response = parse_oauth_error_response(body);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->error, OAuthError::invalid_scope);
  EXPECT_EQ(response->description, "Not that one.");
  EXPECT_EQ(response->reason, "scope_not_allowed");
  EXPECT_EQ(response->decision_id, "01J");
}

TEST(OAuthErrorResponse, WritesOnlyTheDescriptionsCharset) {
  EXPECT_EQ(write_oauth_error(OAuthError::invalid_request, "a\"b\\c\nd\xc3\xa9"),
            R"({"error":"invalid_request","error_description":"a?b?c?d??"})");
  EXPECT_EQ(write_oauth_error(OAuthError::invalid_request, ""), R"({"error":"invalid_request"})");
}

TEST(OAuthErrorResponse, KeepsACodeThatItDoesNotKnow) {
  const auto response = parse_oauth_error_response(R"({"error":"weather","error_uri":"x"})");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->error, OAuthError::other);
  EXPECT_EQ(response->code, "weather");
}

TEST(OAuthErrorResponse, NeedsAnErrorThatIsAText) {
  for (const char* body : {"", "{}", "[]", "<html>", R"({"error":1})", R"({"error":""})",
                           R"({"error":"a\"b"})", R"({"error":"a\u0000"})", R"({"error":null})"}) {
    EXPECT_EQ(parse_oauth_error_response(body).error().code, "oauth.bad_error_response") << body;
  }
  EXPECT_FALSE(
      parse_oauth_error_response(R"({"error":")" + std::string(513, 'a') + "\"}").has_value());
}

TEST(OAuthErrorResponse, DropsADescriptionThatCouldNotBeLogged) {
  EXPECT_EQ(parse_oauth_error_response(R"({"error":"a","error_description":"x\ny"})")->description,
            "");
  EXPECT_EQ(parse_oauth_error_response(R"({"error":"a","error_description":7})")->description, "");
}

}  // namespace
}  // namespace countersign::protocol
