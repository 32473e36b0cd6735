#include "protocol/token_messages.h"

#include <gtest/gtest.h>

namespace countersign::protocol {
namespace {

using std::chrono::seconds;
using Kind = ExpiresIn::Kind;

std::string request_code(std::vector<Parameter> parameters) {
  const auto parsed = parse_token_request(parameters);
  return parsed ? "" : parsed.error().code;
}

std::string response_code(std::string_view body) {
  const auto parsed = parse_token_response(body);
  return parsed ? "" : parsed.error().code;
}

ExpiresIn expires_in(std::string_view json) {
  const auto parsed = parse_token_response(
      R"({"access_token":"t","token_type":"Bearer","expires_in":)" + std::string(json) + "}");
  EXPECT_TRUE(parsed.has_value()) << json;
  return parsed ? parsed->expires_in : ExpiresIn{};
}

TEST(TokenRequest, ReadsWhatItWrites) {
  TokenRequest request;
  request.grant_type = client_credentials_grant;
  request.scope = ScopeSet::parse("b a").value();
  request.resources = {"https://a.example", "https://b.example"};
  request.client_id = "c1";
  request.client_secret = Secret::copy_of("s+&=");
  const Parameters written = write_token_request(request);
  std::vector<Parameter> views;
  for (const auto& [name, value] : written) views.push_back({name, value});
  const auto read = parse_token_request(views);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->grant_type, "client_credentials");
  EXPECT_EQ(read->scope, request.scope);
  EXPECT_EQ(read->resources, request.resources);
  EXPECT_EQ(read->client_id, "c1");
  EXPECT_EQ(read->client_secret, request.client_secret);
  EXPECT_TRUE(read->client_assertion.empty());
}

TEST(TokenRequest, LeavesOutWhatIsEmpty) {
  TokenRequest request;
  request.grant_type = client_credentials_grant;
  EXPECT_EQ(write_token_request(request), (Parameters{{"grant_type", "client_credentials"}}));
}

// RFC 6749 §3.2
TEST(TokenRequest, TakesAParameterWithoutAValueAsOmitted) {
  const auto request = parse_token_request(std::vector<Parameter>{
      {"grant_type", ""}, {"scope", ""}, {"client_secret", ""}, {"resource", ""}});
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->grant_type.empty());
  EXPECT_TRUE(request->client_secret.empty());
  EXPECT_TRUE(request->resources.empty());
}

TEST(TokenRequest, PassesOverUnknownParameters) {
  EXPECT_EQ(request_code({{"grant_type", "x"}, {"theme", "dark\n"}}), "");
}

// RFC 6749 §3.2, RFC 8707 §2
TEST(TokenRequest, RefusesRepeatedParametersButResource) {
  EXPECT_EQ(request_code({{"scope", "a"}, {"scope", "a"}}), "oauth.repeated_parameter");
  EXPECT_EQ(request_code({{"scope", ""}, {"scope", "a"}}), "oauth.repeated_parameter");
  EXPECT_EQ(request_code({{"client_secret", "a"}, {"client_secret", "b"}}),
            "oauth.repeated_parameter");
  EXPECT_EQ(request_code({{"unknown", "a"}, {"unknown", "b"}}), "oauth.repeated_parameter");
  EXPECT_EQ(request_code({{"resource", "a"}, {"resource", "b"}}), "");
}

TEST(TokenRequest, BoundsNumberAndLength) {
  std::vector<std::string> names;
  for (size_t i = 0; i <= token_request_parameters_max; ++i) names.push_back(std::to_string(i));
  std::vector<Parameter> many;
  for (size_t i = 0; i < token_request_parameters_max; ++i) many.push_back({names[i], "v"});
  EXPECT_EQ(request_code(many), "");
  many.push_back({names.back(), "v"});
  EXPECT_EQ(request_code(many), "oauth.too_many_parameters");
  EXPECT_EQ(request_code(std::vector<Parameter>(9, {"resource", "a"})),
            "oauth.too_many_parameters");
  const std::string longest(8 * 1024, 'a');
  EXPECT_EQ(request_code({{"client_assertion", longest}}), "");
  EXPECT_EQ(request_code({{"client_assertion", longest + "a"}}), "oauth.parameter_too_long");
  EXPECT_EQ(request_code({{"client_id", std::string(256, 'a')}}), "");
  EXPECT_EQ(request_code({{"client_id", std::string(257, 'a')}}), "oauth.parameter_too_long");
}

TEST(TokenRequest, RefusesControlBytes) {
  EXPECT_EQ(request_code({{"client_id", "a\nb"}}), "oauth.bad_parameter");
  EXPECT_EQ(request_code({{"client_secret", std::string_view("a\0b", 3)}}), "oauth.bad_parameter");
  EXPECT_EQ(request_code({{"resource", "\xc3\xa9"}}), "oauth.bad_parameter");
  EXPECT_EQ(request_code({{"scope", "a  b"}}), "scope.malformed");
}

TEST(TokenRequest, WipesItsParameters) {
  Parameters parameters{{"client_secret", "s"}};
  wipe_parameters(parameters);
  EXPECT_TRUE(parameters.empty());
}

TEST(TokenResponse, ReadsWhatItWrites) {
  const TokenGrant grant{.access_token = Secret::copy_of("abc.def-_~+/=="),
                         .token_type = TokenType::dpop,
                         .expires_in = seconds(300),
                         .scope = ScopeSet::parse("a b").value()};
  const std::string body = write_token_response(grant);
  EXPECT_EQ(body, R"({"access_token":"abc.def-_~+/==","token_type":"DPoP","expires_in":300,)"
                  R"("scope":"a b"})");
  const auto read = parse_token_response(body);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->access_token, grant.access_token);
  EXPECT_EQ(read->token_type, TokenType::dpop);
  EXPECT_EQ(read->expires_in.kind, Kind::given);
  EXPECT_EQ(read->expires_in.seconds, seconds(300));
  EXPECT_EQ(read->scope, grant.scope);
}

TEST(TokenResponse, TakesAnAbsentScopeAsNotSaid) {
  const auto read = parse_token_response(R"({"access_token":"t","token_type":"bearer"})");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->scope, std::nullopt);
  EXPECT_EQ(response_code(R"({"access_token":"t","token_type":"bearer","scope":1})"),
            "oauth.bad_token_response");
  EXPECT_EQ(response_code(R"({"access_token":"t","token_type":"bearer","scope":" "})"),
            "oauth.bad_token_response");
}

TEST(TokenResponse, NeedsATokenThatFitsAHeaderField) {
  const auto with_token = [](std::string_view json) {
    return response_code(R"({"token_type":"Bearer","access_token":)" + std::string(json) + "}");
  };
  EXPECT_EQ(response_code(R"({"token_type":"Bearer"})"), "oauth.bad_token_response");
  for (const char* json : {"1", "null", "[]", R"("")", R"("a b")", R"("a\r\nX: y")", R"("=")",
                           R"("a=b")", R"("é")", R"("a\u0000")"}) {
    EXPECT_EQ(with_token(json), "oauth.bad_token_response") << json;
  }
  EXPECT_EQ(with_token("\"" + std::string(access_token_bytes_max, 'a') + "\""), "");
  EXPECT_EQ(with_token("\"" + std::string(access_token_bytes_max + 1, 'a') + "\""),
            "oauth.bad_token_response");
}

// RFC 6749 §7.1: the type is compared without case, and one that is not understood is not used.
TEST(TokenResponse, NeedsATokenTypeThatIsUnderstood) {
  const auto with_type = [](std::string_view json) {
    return response_code(R"({"access_token":"t","token_type":)" + std::string(json) + "}");
  };
  EXPECT_EQ(with_type(R"("Bearer")"), "");
  EXPECT_EQ(with_type(R"("BEARER")"), "");
  EXPECT_EQ(with_type(R"("dpop")"), "");
  EXPECT_EQ(with_type(R"("mac")"), "oauth.unknown_token_type");
  EXPECT_EQ(with_type(R"("")"), "oauth.unknown_token_type");
  EXPECT_EQ(with_type("null"), "oauth.bad_token_response");
  EXPECT_EQ(response_code(R"({"access_token":"t"})"), "oauth.bad_token_response");
}

TEST(TokenResponse, KeepsARefreshTokenThatCanBeUsedAndNoOther) {
  const auto refresh_token = [](const std::string& json) {
    const std::string body =
        R"({"access_token":"t","token_type":"Bearer","refresh_token":)" + json + "}";
    return std::string(parse_token_response(body).value().refresh_token.unsafe_reveal_text());
  };
  EXPECT_EQ(refresh_token(R"("r.1 ~")"), "r.1 ~");
  const std::string longest(refresh_token_bytes_max, 'r');
  EXPECT_EQ(refresh_token('"' + longest + '"'), longest);
  EXPECT_EQ(refresh_token('"' + longest + "r\""), "");
  for (const char* json : {"null", "7", "\"\"", "[\"r\"]", "\"a\\nb\"", "\"\\u00e9\""}) {
    EXPECT_EQ(refresh_token(json), "") << json;
  }
}

TEST(TokenResponse, RefusesWhatIsNotOneJsonObject) {
  for (const char* body : {"", "null", "[]", "<html></html>", "{", R"({"access_token":"t")",
                           R"({"access_token":"t","access_token":"u","token_type":"Bearer"})",
                           R"({"access_token":"t","token_type":"Bearer"}x)"}) {
    EXPECT_EQ(response_code(body), "oauth.bad_token_response") << body;
  }
}

TEST(TokenResponse, NeverShowsTheTokenInAnError) {
  const auto error =
      parse_token_response(R"({"access_token":"verysecret","token_type":"mac"})").error();
  EXPECT_EQ(error.for_log().find("verysecret"), std::string::npos);
}

TEST(ExpiresIn, TellsEachOddFormApart) {
  EXPECT_EQ(expires_in("null").kind, Kind::missing);
  EXPECT_EQ(expires_in("0").kind, Kind::not_positive);
  EXPECT_EQ(expires_in("-1").kind, Kind::not_positive);
  EXPECT_EQ(expires_in("0.9").kind, Kind::not_positive);
  EXPECT_EQ(expires_in("\"0\"").kind, Kind::not_positive);
  EXPECT_EQ(expires_in("\"\"").kind, Kind::malformed);
  EXPECT_EQ(expires_in("\"-5\"").kind, Kind::malformed);
  EXPECT_EQ(expires_in("\"5s\"").kind, Kind::malformed);
  EXPECT_EQ(expires_in("true").kind, Kind::malformed);
  EXPECT_EQ(expires_in("[300]").kind, Kind::malformed);
  EXPECT_EQ(expires_in("1").seconds, seconds(1));
  EXPECT_EQ(expires_in("\"3600\"").seconds, seconds(3600));
  EXPECT_EQ(expires_in("59.9").seconds, seconds(59));
}

TEST(ExpiresIn, CapsWhatIsHuge) {
  const auto most = std::to_string(ExpiresIn::seconds_max.count());
  EXPECT_EQ(expires_in(most).kind, Kind::given);
  for (const std::string& huge :
       {std::to_string(ExpiresIn::seconds_max.count() + 1), std::string("18446744073709551615"),
        std::string("1e300"), std::string("\"99999999999999999999999\""),
        std::string("9223372036854775807")}) {
    EXPECT_EQ(expires_in(huge).kind, Kind::capped) << huge;
    EXPECT_EQ(expires_in(huge).seconds, ExpiresIn::seconds_max) << huge;
  }
}

TEST(ExpiresIn, CountsWithTheConfiguredLifetimeWhereNothingUsableWasSaid) {
  EXPECT_EQ(expires_in("null").or_else(seconds(60)), seconds(60));
  EXPECT_EQ(expires_in("\"x\"").or_else(seconds(60)), seconds(60));
  EXPECT_EQ(expires_in("0").or_else(seconds(60)), seconds(0));
  EXPECT_EQ(expires_in("300").or_else(seconds(60)), seconds(300));
}

}  // namespace
}  // namespace countersign::protocol
