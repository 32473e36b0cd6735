// The issuer as a whole: options, paths, metadata, keys.

#include "provider/issuer/issuer.h"

#include <gtest/gtest.h>

#include "protocol/metadata.h"
#include "protocol/refusal.h"
#include "provider/issuer/issuer_testbed.h"
#include "provider/issuer/token_factory.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::IssuerTestbed;
using testing::seconds;

class IssuerTest : public ::testing::Test {
 protected:
  std::string create_code(const IssuerOptions& options) {
    const auto created = Issuer::create(options, bed.parts());
    return created ? "" : created.error().code;
  }

  IssuerTestbed bed;
};

TEST_F(IssuerTest, HandlesItsOwnPathsOnly) {
  EXPECT_TRUE(bed.issuer->handles("/oauth2/token"));
  EXPECT_TRUE(bed.issuer->handles("/oauth2/jwks"));
  EXPECT_TRUE(bed.issuer->handles("/.well-known/oauth-authorization-server"));
  for (const char* path : {"", "/", "/oauth2", "/oauth2/token/", "/oauth2/tokens", "/OAuth2/token",
                           "/oauth2/../oauth2/token", "//oauth2/token", "/v1/payments"}) {
    EXPECT_FALSE(bed.issuer->handles(path)) << path;
  }
}

TEST_F(IssuerTest, AnswersOtherPathsWithAProblem) {
  FakeExchange exchange("GET", "/oauth2/authorize");
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 404);
  EXPECT_EQ(protocol::parse_refusal(exchange.answer())->reason, "route_unknown");
}

TEST_F(IssuerTest, PutsItsEndpointsBelowTheIdentifiersPath) {
  IssuerOptions options = bed.default_options();
  options.issuer = "https://issuer.example:8443/t1/";
  bed.rebuild(options);
  EXPECT_EQ(bed.issuer->token_path(), "/t1/oauth2/token");
  EXPECT_EQ(bed.issuer->jwks_path(), "/t1/oauth2/jwks");
  EXPECT_EQ(bed.issuer->metadata_path(), "/.well-known/oauth-authorization-server/t1");
  FakeExchange exchange("GET", bed.issuer->metadata_path());
  bed.serve(exchange);
  const auto metadata = protocol::parse_metadata(exchange.answer(), options.issuer);
  ASSERT_TRUE(metadata.has_value());
  EXPECT_EQ(metadata->token_endpoint, "https://issuer.example:8443/t1/oauth2/token");
}

// RFC 8414 §3.2
TEST_F(IssuerTest, PublishesMetadataThatAClientBelieves) {
  FakeExchange exchange("GET", "/.well-known/oauth-authorization-server");
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.response_field("Content-Type"), "application/json");
  const auto metadata = protocol::parse_metadata(exchange.answer(), "https://issuer.example");
  ASSERT_TRUE(metadata.has_value());
  EXPECT_EQ(metadata->token_endpoint, "https://issuer.example/oauth2/token");
  EXPECT_EQ(metadata->jwks_uri, "https://issuer.example/oauth2/jwks");
  EXPECT_EQ(metadata->grant_types_supported, std::vector<std::string>{"client_credentials"});
  EXPECT_EQ(metadata->token_endpoint_auth_methods_supported,
            (std::vector<std::string>{"client_secret_basic", "client_secret_post",
                                      "tls_client_auth", "self_signed_tls_client_auth"}));
  EXPECT_TRUE(metadata->tls_client_certificate_bound_access_tokens);
  EXPECT_TRUE(metadata->mtls_token_endpoint.empty());
}

// RFC 8705 §5
TEST_F(IssuerTest, NamesTheEndpointForMutualTlsWhereItIsAnother) {
  IssuerOptions options = bed.default_options();
  options.issuer = "https://issuer.example/t1";
  options.mtls_origin = "https://mtls.issuer.example:9443";
  options.scopes_supported = {"payments:read"};
  bed.rebuild(options);
  FakeExchange exchange("GET", bed.issuer->metadata_path());
  bed.serve(exchange);
  const auto metadata = protocol::parse_metadata(exchange.answer(), options.issuer).value();
  EXPECT_EQ(metadata.token_endpoint_for(true), "https://mtls.issuer.example:9443/t1/oauth2/token");
  EXPECT_EQ(metadata.scopes_supported, std::vector<std::string>{"payments:read"});
}

TEST_F(IssuerTest, PublishesEveryKeyAndSignsWithTheFirst) {
  IssuerOptions options = bed.default_options();
  const auto next = crypto::PrivateKey::generate(crypto::eddsa).value();
  options.signing_keys = {bed.signing_key, next};
  bed.rebuild(options);
  FakeExchange exchange("GET", "/oauth2/jwks");
  bed.serve(exchange);
  EXPECT_EQ(exchange.response_field("Content-Type"), "application/jwk-set+json");
  const auto keys = jose::JwkSet::parse(exchange.answer());
  ASSERT_TRUE(keys.has_value());
  ASSERT_EQ(keys->keys().size(), 2u);
  EXPECT_EQ(keys->keys()[0].kid, jose::thumbprint(bed.signing_key.public_key()));
  EXPECT_EQ(keys->keys()[1].kid, jose::thumbprint(next.public_key()));
  EXPECT_EQ(bed.grant(bed.good()).kid(), keys->keys()[0].kid);
}

TEST_F(IssuerTest, NeverPublishesAPrivateMember) {
  FakeExchange exchange("GET", "/oauth2/jwks");
  bed.serve(exchange);
  EXPECT_EQ(exchange.answer().find("\"d\""), std::string::npos);
  EXPECT_NE(exchange.answer().find("\"x\""), std::string::npos);
}

TEST_F(IssuerTest, AnswersDocumentsToGetAndHeadOnly) {
  for (const char* path : {"/oauth2/jwks", "/.well-known/oauth-authorization-server"}) {
    FakeExchange head("HEAD", path);
    bed.serve(head);
    EXPECT_EQ(head.status(), 200) << path;
    EXPECT_TRUE(head.complete());
    FakeExchange post("POST", path);
    bed.serve(post);
    EXPECT_EQ(post.status(), 405) << path;
    EXPECT_EQ(post.response_field("Allow"), "GET, HEAD");
    EXPECT_EQ(protocol::parse_refusal(post.answer())->reason, "method_not_allowed");
  }
}

TEST_F(IssuerTest, RefusesOptionsThatCannotBeRight) {
  EXPECT_EQ(create_code(bed.default_options()), "");
  IssuerOptions options = bed.default_options();
  options.issuer = "http://issuer.example";
  EXPECT_EQ(create_code(options), "metadata.bad_issuer");
  options = bed.default_options();
  options.issuer.clear();
  EXPECT_EQ(create_code(options), "metadata.bad_issuer");
  options = bed.default_options();
  options.audience.clear();
  EXPECT_EQ(create_code(options), "issuer.bad_option");
  options = bed.default_options();
  options.signing_keys.clear();
  EXPECT_EQ(create_code(options), "issuer.bad_option");
  options = bed.default_options();
  options.environment = "Live";
  EXPECT_EQ(create_code(options), "api_key.bad_environment");
  options = bed.default_options();
  options.mtls_origin = "https://mtls.example/path";
  EXPECT_EQ(create_code(options), "issuer.bad_option");
  options = bed.default_options();
  options.signing_keys.push_back(bed.signing_key);
  EXPECT_EQ(create_code(options), "jose.bad_jwk_set");
}

TEST_F(IssuerTest, BoundsTheTokenLifetime) {
  IssuerOptions options = bed.default_options();
  options.token_lifetime = seconds(0);
  EXPECT_EQ(create_code(options), "issuer.bad_option");
  options.token_lifetime = seconds(1);
  EXPECT_EQ(create_code(options), "");
  options.token_lifetime = options.token_lifetime_max;
  EXPECT_EQ(create_code(options), "");
  options.token_lifetime = options.token_lifetime_max + seconds(1);
  EXPECT_EQ(create_code(options), "issuer.bad_option");
}

}  // namespace
}  // namespace countersign::provider
