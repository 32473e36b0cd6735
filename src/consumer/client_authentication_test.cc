// Each client authentication method: what it sends, what it needs, and what tells two credentials
// apart.

#include "consumer/client_authentication.h"

#include <set>

#include <gtest/gtest.h>

#include "http/form.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view issuer = "https://issuer.example";
constexpr std::string_view thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

const crypto::PrivateKey& key() {
  static const crypto::PrivateKey made = crypto::PrivateKey::generate(crypto::es256).value();
  return made;
}

ClientCredential credential_for(const ClientAuthMethod& method) {
  ClientCredential credential{.client_id = "shop one",
                              .certificate_thumbprint = std::string(thumbprint)};
  if (method.shows == ClientAuthMethod::Shows::secret)
    credential.secret = Secret::copy_of("p:ss/w");
  if (method.shows == ClientAuthMethod::Shows::signature) credential.key = key();
  return credential;
}

class ClientAuthenticationTest : public ::testing::Test {
 protected:
  static const ClientAuthMethod& method(std::string_view name) {
    const ClientAuthMethod* found = find_client_auth_method(name);
    if (!found) panic("a method that the table does not have");
    return *found;
  }
  http::SimpleRequest request_with(std::string_view name) {
    const auto made =
        ClientAuthentication::create(method(name), credential_for(method(name))).value();
    http::SimpleRequest request{.method = "POST", .target = "/t", .fields = {}, .body = "a=b"};
    EXPECT_TRUE(made.add_to(request, issuer, clock_.wall_now(), entropy_));
    return request;
  }
  static std::string error_of(std::string_view name, const ClientCredential& credential) {
    const auto made = ClientAuthentication::create(method(name), credential);
    if (made) return "";
    EXPECT_EQ(made.error().code, "consumer.bad_setting");
    EXPECT_EQ(made.error().kind, ErrorKind::misconfigured);
    const std::string& text = made.error().public_text;
    return text.substr(0, text.find(':'));
  }
  static uint64_t version(std::string_view name, const ClientCredential& credential,
                          std::string_view at = issuer) {
    return ClientAuthentication::create(method(name), credential).value().version(at);
  }

  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
};

TEST_F(ClientAuthenticationTest, TheTableHasTheFiveMethodsOnceEach) {
  std::set<std::string_view> names;
  for (const ClientAuthMethod& row : client_auth_methods()) {
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_EQ(find_client_auth_method(row.name), &row);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"client_secret_basic", "client_secret_post",
                                               "private_key_jwt", "tls_client_auth",
                                               "self_signed_tls_client_auth"}));
  EXPECT_EQ(find_client_auth_method("none"), nullptr);
  EXPECT_EQ(find_client_auth_method(""), nullptr);
}

TEST_F(ClientAuthenticationTest, BasicSendsFormEncodedIdAndSecretInTheFieldOnly) {
  const auto request = request_with("client_secret_basic");
  ASSERT_EQ(request.fields.size(), 1u);
  EXPECT_EQ(request.fields[0].first, "Authorization");
  // RFC 6749 §2.3.1: "shop%20one:p%3Ass%2Fw", in base64.
  EXPECT_EQ(request.fields[0].second, "Basic c2hvcCUyMG9uZTpwJTNBc3MlMkZ3");
  EXPECT_EQ(request.body, "a=b");
}

TEST_F(ClientAuthenticationTest, PostSendsThemInTheFormOnly) {
  const auto request = request_with("client_secret_post");
  EXPECT_TRUE(request.fields.empty());
  EXPECT_EQ(request.body, "a=b&client_id=shop%20one&client_secret=p%3Ass%2Fw");
}

TEST_F(ClientAuthenticationTest, ACertificateIsShownByTlsAndTheFormNamesTheClient) {
  for (const char* name : {"tls_client_auth", "self_signed_tls_client_auth"}) {
    const auto request = request_with(name);
    EXPECT_TRUE(request.fields.empty());
    EXPECT_EQ(request.body, "a=b&client_id=shop%20one");
  }
}

TEST_F(ClientAuthenticationTest, APrivateKeySignsAnAssertionThatHoldsAtThisIssuer) {
  const auto first = request_with("private_key_jwt");
  const auto second = request_with("private_key_jwt");
  EXPECT_NE(first.body, second.body);  // signed anew for each request
  EXPECT_TRUE(first.fields.empty());
  const auto form = http::parse_form(first.body).value();
  EXPECT_EQ(form.value("a"), "b");
  EXPECT_EQ(form.value("client_id"), "shop one");
  EXPECT_EQ(form.value("client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  jose::JwkSet keys;
  ASSERT_TRUE(keys.add({key().public_key(), jose::thumbprint(key().public_key())}));
  protocol::ClientAssertionRules rules;
  rules.client_id = "shop one";
  rules.issuer = issuer;
  rules.typ_required = true;
  const auto verified = protocol::verify_client_assertion(form.value("client_assertion"), keys,
                                                          rules, clock_.wall_now());
  EXPECT_TRUE(verified) << verified.error().for_log();
}

TEST_F(ClientAuthenticationTest, WhatAMethodNeedsMustBeThereAndNothingElse) {
  const ClientCredential nothing{.client_id = "c"};
  ClientCredential with_secret = nothing;
  with_secret.secret = Secret::copy_of("s");
  ClientCredential with_key = nothing;
  with_key.key = key();
  ClientCredential with_certificate = nothing;
  with_certificate.certificate_thumbprint = thumbprint;
  for (const char* name : {"client_secret_basic", "client_secret_post"}) {
    EXPECT_EQ(error_of(name, nothing), "client_secret");
    EXPECT_EQ(error_of(name, with_key), "client_secret");
    EXPECT_EQ(error_of(name, with_secret), "");
  }
  EXPECT_EQ(error_of("private_key_jwt", nothing), "client_key");
  EXPECT_EQ(error_of("private_key_jwt", with_secret), "client_secret");
  EXPECT_EQ(error_of("private_key_jwt", with_key), "");
  for (const char* name : {"tls_client_auth", "self_signed_tls_client_auth"}) {
    EXPECT_EQ(error_of(name, nothing), "client_auth");
    EXPECT_EQ(error_of(name, with_secret), "client_secret");
    EXPECT_EQ(error_of(name, with_key), "client_key");
    EXPECT_EQ(error_of(name, with_certificate), "");
  }
  ClientCredential with_key_id = with_secret;
  with_key_id.key_id = "k";
  EXPECT_EQ(error_of("client_secret_basic", with_key_id), "client_key_id");
}

TEST_F(ClientAuthenticationTest, RefusesWhatCannotBeSent) {
  ClientCredential credential{.client_id = "c", .secret = Secret::copy_of("s")};
  const auto with_id = [&](std::string id) {
    ClientCredential other = credential;
    other.client_id = std::move(id);
    return error_of("client_secret_basic", other);
  };
  EXPECT_EQ(with_id(""), "client_id");
  EXPECT_EQ(with_id("a\nb"), "client_id");
  EXPECT_EQ(with_id(std::string(257, 'c')), "client_id");
  EXPECT_EQ(with_id(std::string(256, 'c')), "");
  credential.secret = Secret::copy_of("line\n");
  EXPECT_EQ(error_of("client_secret_post", credential), "client_secret");
  credential.secret = Secret::copy_of(std::string(4097, 's'));
  EXPECT_EQ(error_of("client_secret_post", credential), "client_secret");
}

TEST_F(ClientAuthenticationTest, TheVersionIsTheCredentials) {
  std::set<uint64_t> versions;
  for (const ClientAuthMethod& row : client_auth_methods()) {
    EXPECT_TRUE(versions.insert(version(row.name, credential_for(row))).second) << row.name;
    EXPECT_EQ(version(row.name, credential_for(row)), version(row.name, credential_for(row)));
    EXPECT_TRUE(
        versions.insert(version(row.name, credential_for(row), "https://b.example")).second);
    ClientCredential other_client = credential_for(row);
    other_client.client_id = "other";
    EXPECT_TRUE(versions.insert(version(row.name, other_client)).second);
  }
  ClientCredential secret{.client_id = "shop one", .secret = Secret::copy_of("p:ss/x")};
  EXPECT_TRUE(versions.insert(version("client_secret_basic", secret)).second);
  ClientCredential other_key{.client_id = "shop one"};
  other_key.key = crypto::PrivateKey::generate(crypto::es256).value();
  EXPECT_TRUE(versions.insert(version("private_key_jwt", other_key)).second);
  ClientCredential certificate{.client_id = "shop one", .certificate_thumbprint = "other"};
  EXPECT_TRUE(versions.insert(version("tls_client_auth", certificate)).second);
}

// A version that changed would part the hosts of an update under way: these are fixed.
TEST_F(ClientAuthenticationTest, TheVersionIsTheSameOnEveryHost) {
  const ClientCredential certificate{.client_id = "c", .certificate_thumbprint = "t"};
  EXPECT_EQ(version("tls_client_auth", certificate, "i"), 0x9a7cf88107b74718u);
  const ClientCredential secret{.client_id = "c", .secret = Secret::copy_of("s")};
  EXPECT_EQ(version("client_secret_basic", secret, "i"), 0xb842539bb23b0af5u);
}

}  // namespace
}  // namespace countersign::consumer
