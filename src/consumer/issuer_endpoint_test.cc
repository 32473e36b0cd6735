// Where token requests go: what of an issuer's metadata is believed, and for how long.

#include "consumer/issuer_endpoint.h"

#include "consumer/token_source_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

class Discovery : public OAuthTokenSourceTest {
 protected:
  OAuthSourceOptions discovering(std::string_view method = "client_secret_basic") const {
    OAuthSourceOptions wanted = options();
    wanted.token_path = {};
    wanted.auth = authentication(method);
    return wanted;
  }
  static FakeAnswer metadata(std::string_view issuer, std::string_view endpoint,
                             std::string_view more = "") {
    return json(200, R"({"issuer":")" + std::string(issuer) + R"(","token_endpoint":")" +
                         std::string(endpoint) + R"(","response_types_supported":[])" +
                         std::string(more) + "}");
  }
  static FakeAnswer metadata_of_issuer(std::string_view more = "") {
    return metadata("https://issuer.example", "https://issuer.example/t", more);
  }
  OAuthTokenSource source(OAuthSourceOptions wanted) {
    return OAuthTokenSource(issuer_, clock_, entropy_, std::move(wanted));
  }
  void expect_misconfigured(OAuthTokenSource& source, std::string_view code) {
    const auto result = fetch(source);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error.code, code);
    EXPECT_EQ(result.error().error.kind, ErrorKind::misconfigured);
    EXPECT_TRUE(result.error().permanent);
  }
  size_t metadata_requests() const {
    size_t count = 0;
    for (const auto& request : issuer_.requests()) count += request.method == "GET" ? 1 : 0;
    return count;
  }
};

TEST_F(Discovery, FindsTheTokenEndpointOnce) {
  issuer_.then(metadata("https://issuer.example", "https://issuer.example:443/t?x=1"))
      .then(token())
      .then(token());
  OAuthTokenSource one = source(discovering());
  EXPECT_TRUE(fetch(one));
  EXPECT_TRUE(fetch(one));
  ASSERT_EQ(issuer_.requests().size(), 3u);
  EXPECT_EQ(issuer_.requests()[0].method, "GET");
  EXPECT_EQ(issuer_.requests()[0].target, "/.well-known/oauth-authorization-server");
  EXPECT_EQ(issuer_.requests()[0].count("Authorization"), 0u);
  EXPECT_EQ(issuer_.requests()[1].target, "/t?x=1");
  EXPECT_EQ(issuer_.requests()[2].target, "/t?x=1");
}

TEST_F(Discovery, PutsTheWellKnownPartBeforeTheIssuersPath) {
  OAuthSourceOptions wanted = discovering();
  wanted.issuer = "https://issuer.example/t1";
  issuer_.then(metadata("https://issuer.example/t1", "https://issuer.example/t1/token"))
      .then(token());
  OAuthTokenSource one = source(std::move(wanted));
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(issuer_.requests()[0].target, "/.well-known/oauth-authorization-server/t1");
  EXPECT_EQ(issuer_.requests()[1].target, "/t1/token");
}

TEST_F(Discovery, TakesTheOpenidDocumentWhereThereIsNoOther) {
  OAuthSourceOptions wanted = discovering();
  wanted.issuer = "https://issuer.example/t1";
  FakeAnswer page{.status = 200, .fields = {{"Content-Type", "text/html"}}, .body = "<html>"};
  for (const FakeAnswer& nothing : {FakeAnswer{.status = 404}, FakeAnswer{.status = 405}, page}) {
    issuer_.then(nothing)
        .then(metadata("https://issuer.example/t1", "https://issuer.example/t"))
        .then(token());
    OAuthTokenSource one = source(wanted);
    EXPECT_TRUE(fetch(one));
    EXPECT_EQ(issuer_.requests()[issuer_.requests().size() - 2].target,
              "/t1/.well-known/openid-configuration");
  }
}

TEST_F(Discovery, TheOtherDocumentIsNotAskedForWhileTheIssuerIsAway) {
  issuer_.then({.status = 503});
  OAuthTokenSource one = source(discovering());
  const auto result = fetch(one);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.code, "consumer.no_metadata");
  EXPECT_FALSE(result.error().permanent);
  EXPECT_EQ(issuer_.requests().size(), 1u);
}

TEST_F(Discovery, AsksAgainAfterAFailure) {
  issuer_.then({.status = 503}).then(metadata_of_issuer()).then(token());
  OAuthTokenSource one = source(discovering());
  EXPECT_FALSE(fetch(one));
  EXPECT_TRUE(fetch(one));
}

TEST_F(Discovery, SendsNoCredentialAfterMetadataOfAnotherIssuer) {
  issuer_.then(metadata("https://other.example", "https://issuer.example/t"));
  OAuthTokenSource one = source(discovering());
  expect_misconfigured(one, "metadata.wrong_issuer");
  EXPECT_EQ(issuer_.requests().size(), 1u);
}

TEST_F(Discovery, SendsNoCredentialToAnOriginThatIsNotListed) {
  OAuthSourceOptions wanted = discovering();
  testing::FakeClient listed(loop_);
  wanted.other_origins = {{"https://listed.example", &listed}};
  OAuthTokenSource one = source(std::move(wanted));
  for (const char* endpoint :
       {"https://other.example/t", "https://issuer.example:8443/t", "https://listed.example:444/t",
        "https://listed.example.evil.example/t", "https://sub.listed.example/t"}) {
    issuer_.then(metadata("https://issuer.example", endpoint));
    expect_misconfigured(one, "consumer.token_endpoint_elsewhere");
  }
  EXPECT_EQ(metadata_requests(), issuer_.requests().size());
  EXPECT_EQ(listed.opened(), 0u);
}

TEST_F(Discovery, AListedOriginIsReachedByItsOwnClient) {
  OAuthSourceOptions wanted = discovering();
  testing::FakeClient listed(loop_);
  listed.then(token());
  wanted.other_origins = {{"https://mtls.example:8443", &listed}};
  issuer_.then(metadata("https://issuer.example", "https://mtls.example:8443/t?x=1"));
  OAuthTokenSource one = source(std::move(wanted));
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(issuer_.requests().size(), 1u);
  EXPECT_EQ(listed.requests().at(0).target, "/t?x=1");
  EXPECT_NE(listed.requests().at(0).value("Authorization"), "");
}

TEST_F(Discovery, TakesTheMutualTlsAliasForCertificatesAndForTokensBoundToOne) {
  constexpr std::string_view alias =
      R"(,"mtls_endpoint_aliases":{"token_endpoint":"https://issuer.example/mtls"})";
  for (const auto& [method, bound, target] :
       {std::tuple("tls_client_auth", false, "/mtls"),
        std::tuple("self_signed_tls_client_auth", false, "/mtls"),
        std::tuple("private_key_jwt", true, "/mtls"), std::tuple("private_key_jwt", false, "/t"),
        std::tuple("client_secret_basic", false, "/t")}) {
    issuer_.then(metadata_of_issuer(alias)).then(token());
    OAuthSourceOptions wanted = discovering(method);
    wanted.bound_to_certificate = bound;
    OAuthTokenSource one = source(std::move(wanted));
    EXPECT_TRUE(fetch(one));
    EXPECT_EQ(issuer_.requests().back().target, target) << method;
  }
}

TEST_F(Discovery, AMethodThatIsNotOfferedIsAMistakeOfTheConfiguration) {
  issuer_.then(metadata_of_issuer(
      R"(,"token_endpoint_auth_methods_supported":["client_secret_post","private_key_jwt"])"));
  OAuthTokenSource one = source(discovering());
  expect_misconfigured(one, "consumer.auth_method_not_offered");
  EXPECT_EQ(issuer_.requests().size(), 1u);
  issuer_.then(metadata_of_issuer(
      R"(,"token_endpoint_auth_signing_alg_values_supported":["RS256","PS256"])"));
  OAuthTokenSource signing = source(discovering("private_key_jwt"));
  expect_misconfigured(signing, "consumer.signing_algorithm_not_offered");
}

TEST_F(Discovery, AMethodThatIsOfferedOrOfWhichNothingIsSaidIsUsed) {
  for (const char* more :
       {"", R"(,"token_endpoint_auth_methods_supported":[])",
        R"(,"token_endpoint_auth_methods_supported":["x","client_secret_basic"])",
        R"(,"token_endpoint_auth_signing_alg_values_supported":["RS256"])"}) {
    issuer_.then(metadata_of_issuer(more)).then(token());
    OAuthTokenSource one = source(discovering());
    EXPECT_TRUE(fetch(one)) << more;
  }
}

TEST_F(Discovery, MetadataIsAskedForAgainAfterAnHourAndKeptADayWhileThatFails) {
  issuer_.then(metadata_of_issuer()).then(token());
  OAuthTokenSource one = source(discovering());
  EXPECT_TRUE(fetch(one));
  loop_.advance(1h - 11s);
  issuer_.then(token());
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(metadata_requests(), 1u);
  issuer_.then(metadata("https://issuer.example", "https://issuer.example/moved")).then(token());
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(metadata_requests(), 2u);
  EXPECT_EQ(issuer_.requests().back().target, "/moved");

  loop_.advance(2h);
  issuer_.then({.status = 503}).then(token()).then(token());
  EXPECT_TRUE(fetch(one));
  EXPECT_TRUE(fetch(one));  // within a minute: not asked for again
  EXPECT_EQ(metadata_requests(), 3u);
  EXPECT_EQ(issuer_.requests().back().target, "/moved");
  loop_.advance(22h);
  issuer_.then({.status = 503});
  const auto result = fetch(one);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.code, "consumer.no_metadata");
}

TEST_F(Discovery, AFailedTokenRequestCastsDoubtOnTheEndpointOnceAMinute) {
  issuer_.then(metadata_of_issuer()).then({.status = 404}).then({.status = 404});
  OAuthTokenSource one = source(discovering());
  EXPECT_FALSE(fetch(one));
  EXPECT_FALSE(fetch(one));
  EXPECT_EQ(metadata_requests(), 1u);
  loop_.advance(1min);
  issuer_.then(metadata("https://issuer.example", "https://issuer.example/moved")).then(token());
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(issuer_.requests().back().target, "/moved");
}

TEST_F(Discovery, AVerdictCastsNoDoubt) {
  issuer_.then(metadata_of_issuer()).then(oauth_error(401, "invalid_client")).then(token());
  OAuthTokenSource one = source(discovering());
  EXPECT_FALSE(fetch(one));
  loop_.advance(2min);
  EXPECT_TRUE(fetch(one));
  EXPECT_EQ(metadata_requests(), 1u);
}

}  // namespace
}  // namespace countersign::consumer
