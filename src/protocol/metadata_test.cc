#include "protocol/metadata.h"

#include <gtest/gtest.h>

#include "protocol/https_url.h"

namespace countersign::protocol {
namespace {

constexpr std::string_view issuer = "https://as.example/t1";

ServerMetadata sample() {
  ServerMetadata metadata;
  metadata.issuer = issuer;
  metadata.token_endpoint = "https://as.example/t1/oauth2/token";
  metadata.jwks_uri = "https://as.example/t1/oauth2/jwks";
  metadata.scopes_supported = {"a", "b"};
  metadata.grant_types_supported = {"client_credentials"};
  metadata.token_endpoint_auth_methods_supported = {"client_secret_basic", "tls_client_auth"};
  metadata.tls_client_certificate_bound_access_tokens = true;
  metadata.mtls_token_endpoint = "https://mtls.as.example/t1/oauth2/token";
  return metadata;
}

std::string code_of(std::string_view body, std::string_view expected = issuer) {
  const auto parsed = parse_metadata(body, expected);
  return parsed ? "" : parsed.error().code;
}

// A document with the issuer, a token endpoint, and these further members.
std::string document(std::string_view more) {
  return R"({"issuer":"https://as.example/t1","token_endpoint":"https://as.example/token")" +
         std::string(more) + "}";
}

TEST(ServerMetadata, RoundTrips) {
  const ServerMetadata written = sample();
  const auto read = parse_metadata(write_metadata(written), issuer);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->issuer, written.issuer);
  EXPECT_EQ(read->token_endpoint, written.token_endpoint);
  EXPECT_EQ(read->jwks_uri, written.jwks_uri);
  EXPECT_EQ(read->scopes_supported, written.scopes_supported);
  EXPECT_EQ(read->grant_types_supported, written.grant_types_supported);
  EXPECT_EQ(read->token_endpoint_auth_methods_supported,
            written.token_endpoint_auth_methods_supported);
  EXPECT_TRUE(read->tls_client_certificate_bound_access_tokens);
  EXPECT_EQ(read->mtls_token_endpoint, written.mtls_token_endpoint);
}

// RFC 8414 §2: required even if nothing but the token endpoint is there.
TEST(ServerMetadata, WritesResponseTypesAsAnEmptyArray) {
  EXPECT_NE(write_metadata(sample()).find(R"("response_types_supported":[])"), std::string::npos);
}

// RFC 8705 §5
TEST(ServerMetadata, PrefersTheMutualTlsAliasForClientsThatUseIt) {
  ServerMetadata metadata = sample();
  EXPECT_EQ(metadata.token_endpoint_for(true), metadata.mtls_token_endpoint);
  EXPECT_EQ(metadata.token_endpoint_for(false), metadata.token_endpoint);
  metadata.mtls_token_endpoint.clear();
  EXPECT_EQ(metadata.token_endpoint_for(true), metadata.token_endpoint);
}

// RFC 8414 §3.3
TEST(ServerMetadata, BelievesOnlyTheIssuerThatWasAskedFor) {
  EXPECT_EQ(code_of(document("")), "");
  EXPECT_EQ(code_of(document(""), "https://as.example/t1/"), "metadata.wrong_issuer");
  EXPECT_EQ(code_of(document(""), "https://AS.example/t1"), "metadata.wrong_issuer");
  EXPECT_EQ(code_of(document(""), ""), "metadata.wrong_issuer");
  EXPECT_EQ(code_of(R"({"token_endpoint":"https://as.example/token"})"), "metadata.wrong_issuer");
  EXPECT_EQ(code_of(R"({"token_endpoint":"https://as.example/token"})", ""),
            "metadata.wrong_issuer");
  EXPECT_EQ(code_of(R"({"issuer":["https://as.example/t1"]})"), "metadata.wrong_issuer");
}

TEST(ServerMetadata, NeedsAnHttpsTokenEndpoint) {
  const auto with_endpoint = [](std::string_view json) {
    return code_of(R"({"issuer":"https://as.example/t1","token_endpoint":)" + std::string(json) +
                   "}");
  };
  EXPECT_EQ(code_of(R"({"issuer":"https://as.example/t1"})"), "metadata.malformed");
  EXPECT_EQ(with_endpoint(R"("http://as.example/token")"), "metadata.bad_endpoint");
  EXPECT_EQ(with_endpoint(R"("/token")"), "metadata.bad_endpoint");
  EXPECT_EQ(with_endpoint(R"("https://user@as.example/token")"), "metadata.bad_endpoint");
  EXPECT_EQ(with_endpoint("7"), "metadata.bad_endpoint");
  EXPECT_EQ(code_of(document(R"(,"jwks_uri":"http://as.example/jwks")")), "metadata.bad_endpoint");
  EXPECT_EQ(code_of(document(R"(,"mtls_endpoint_aliases":{"token_endpoint":"http://x/"})")),
            "metadata.bad_endpoint");
}

TEST(ServerMetadata, RefusesMembersOfAnotherType) {
  for (const char* more :
       {R"(,"scopes_supported":"a b")", R"(,"scopes_supported":[1])", R"(,"scopes_supported":[""])",
        R"(,"grant_types_supported":{})", R"(,"tls_client_certificate_bound_access_tokens":"yes")",
        R"(,"mtls_endpoint_aliases":[])"}) {
    EXPECT_EQ(code_of(document(more)), "metadata.malformed") << more;
  }
  for (const char* body : {"", "[]", "null", "<html>"}) {
    EXPECT_EQ(code_of(body), "metadata.malformed") << body;
  }
  std::string many = R"(,"scopes_supported":["a")";
  for (int i = 0; i < 128; ++i) many += R"(,"a")";
  EXPECT_EQ(code_of(document(many + "]")), "metadata.malformed");
}

TEST(ServerMetadata, PassesOverMembersThatItDoesNotKnow) {
  EXPECT_EQ(code_of(document(R"(,"authorization_endpoint":"x","signed_metadata":{})")), "");
}

// RFC 8414 §3.1
TEST(WellKnownPath, PutsTheWellKnownPartBetweenHostAndPath) {
  EXPECT_EQ(well_known_path("https://as.example").value(),
            "/.well-known/oauth-authorization-server");
  EXPECT_EQ(well_known_path("https://as.example/").value(),
            "/.well-known/oauth-authorization-server");
  EXPECT_EQ(well_known_path("https://as.example/issuer1").value(),
            "/.well-known/oauth-authorization-server/issuer1");
  EXPECT_EQ(well_known_path("https://as.example:8443/a/b/").value(),
            "/.well-known/oauth-authorization-server/a/b");
}

// RFC 8414 §2
TEST(WellKnownPath, RefusesWhatIsNoIssuer) {
  for (const char* text : {"", "as.example", "http://as.example", "https://", "https:///x",
                           "https://as.example?x", "https://as.example?", "https://as.example#x",
                           "https://u@as.example", "https://as.example/ x"}) {
    EXPECT_EQ(well_known_path(text).error().code, "metadata.bad_issuer") << text;
  }
}

// RFC 8414 §5
TEST(OpenidConfigurationPath, PutsTheWellKnownPartBehindThePath) {
  EXPECT_EQ(openid_configuration_path("https://as.example").value(),
            "/.well-known/openid-configuration");
  EXPECT_EQ(openid_configuration_path("https://as.example/").value(),
            "/.well-known/openid-configuration");
  EXPECT_EQ(openid_configuration_path("https://as.example/a/b").value(),
            "/a/b/.well-known/openid-configuration");
  EXPECT_EQ(openid_configuration_path("http://as.example").error().code, "metadata.bad_issuer");
}

TEST(ServerMetadata, ReadsTheSigningAlgorithmsOfAssertions) {
  constexpr std::string_view name = "token_endpoint_auth_signing_alg_values_supported";
  ServerMetadata metadata{.issuer = "https://as.example",
                          .token_endpoint = "https://as.example/t",
                          .jwks_uri = {},
                          .scopes_supported = {},
                          .grant_types_supported = {},
                          .token_endpoint_auth_methods_supported = {},
                          .token_endpoint_auth_signing_alg_values_supported = {"ES256", "PS256"},
                          .mtls_token_endpoint = {}};
  const auto again = parse_metadata(write_metadata(metadata), metadata.issuer).value();
  EXPECT_EQ(again.token_endpoint_auth_signing_alg_values_supported,
            metadata.token_endpoint_auth_signing_alg_values_supported);
  metadata.token_endpoint_auth_signing_alg_values_supported.clear();
  EXPECT_EQ(write_metadata(metadata).find(name), std::string::npos);
  EXPECT_EQ(code_of(document(",\"" + std::string(name) + R"(":"ES256")")), "metadata.malformed");
}

TEST(IssuerPath, HasNoSlashAtItsEnd) {
  EXPECT_EQ(issuer_path("https://as.example"), "");
  EXPECT_EQ(issuer_path("https://as.example/"), "");
  EXPECT_EQ(issuer_path("https://as.example/t1"), "/t1");
  EXPECT_EQ(issuer_path("https://as.example/a/b/"), "/a/b");
  EXPECT_EQ(issuer_path("as.example/t1"), "");
}

TEST(HttpsUrl, SplitsIntoItsParts) {
  const auto parts = split_https_url("https://as.example:8443/a/b?x=1&y=?");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->authority, "as.example:8443");
  EXPECT_EQ(parts->path, "/a/b");
  EXPECT_EQ(parts->query, "x=1&y=?");
  EXPECT_TRUE(parts->has_query);
  EXPECT_EQ(split_https_url("https://[2001:db8::1]:443/")->authority, "[2001:db8::1]:443");
  EXPECT_EQ(split_https_url("https://192.0.2.1")->path, "");
  EXPECT_FALSE(split_https_url("https://a.example/x")->has_query);
}

TEST(HttpsUrl, RefusesFormsThatCanBeReadInTwoWays) {
  for (const char* text :
       {"HTTPS://a.example/", "https:/a.example", "https://a.example:0/", "https://a.example:/",
        "https://a.example:065/", "https://a.example:65536/", "https://a.example:443x/",
        "https://[::1", "https://[192.0.2.1]/", "https://::1/", "https://a.example\\b",
        "https://a.example/%2", "https://a.example/%zz", "https://a.example/\x01",
        "https://a%2eexample/", "https://a.example/a#b", "https://\xc3\xa9.example/"}) {
    EXPECT_FALSE(split_https_url(text).has_value()) << text;
  }
  EXPECT_FALSE(split_https_url("https://a.example/" + std::string(2048, 'a')).has_value());
}

}  // namespace
}  // namespace countersign::protocol
