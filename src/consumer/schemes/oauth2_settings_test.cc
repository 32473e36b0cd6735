// What the oauth2 schemes can be told, and which tokens are one slot's.

#include "consumer/schemes/oauth2_settings.h"

#include <gtest/gtest.h>

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/test_executor.h"

namespace countersign::consumer {
namespace {

const crypto::PrivateKey& key() {
  static const crypto::PrivateKey made = crypto::PrivateKey::generate(crypto::eddsa).value();
  return made;
}

class Oauth2Settings : public ::testing::Test {
 protected:
  Oauth2Settings() {
    settings_.texts["issuer"] = "https://issuer.example";
    settings_.texts["client_id"] = "c1";
    settings_.secrets["client_secret"] = Secret::copy_of("s3cret");
  }
  SchemeParts parts() {
    return {.home = loop_,
            .clock = clock_,
            .entropy = entropy_,
            .issuer = &issuer_,
            .certificate_thumbprint = "t",
            .issuer_origins = {{"https://mtls.example:8443", &issuer_}}};
  }
  // The error's text up to its first colon; "" if there is none.
  std::string problem(std::string_view scheme = "oauth2_bearer") {
    const auto made = make_scheme(scheme, settings_, parts());
    if (made) return "";
    EXPECT_EQ(made.error().code, "consumer.bad_setting");
    EXPECT_EQ(made.error().kind, ErrorKind::misconfigured);
    return made.error().public_text.substr(0, made.error().public_text.find(':'));
  }
  SlotKey slot(std::string_view scheme = "oauth2_bearer") {
    return make_scheme(scheme, settings_, parts()).value()->slot()->key();
  }
  void sign_with(const Secret& pem) {
    settings_.secrets.erase("client_secret");
    settings_.secrets["client_key"] = pem;
    settings_.texts["client_auth"] = "private_key_jwt";
  }

  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient issuer_{loop_};
  SchemeSettings settings_;
};

TEST_F(Oauth2Settings, EveryMethodCanBeUsedForBothKindsOfToken) {
  for (const char* scheme : {"oauth2_bearer", "oauth2_certificate"}) {
    for (const ClientAuthMethod& method : client_auth_methods()) {
      settings_.texts["client_auth"] = method.name;
      settings_.secrets.clear();
      if (method.shows == ClientAuthMethod::Shows::secret)
        settings_.secrets["client_secret"] = Secret::copy_of("s");
      if (method.shows == ClientAuthMethod::Shows::signature)
        settings_.secrets["client_key"] = key().to_pem();
      EXPECT_EQ(problem(scheme), "") << scheme << method.name;
    }
    settings_.texts["client_auth"] = "none";
    EXPECT_EQ(problem(scheme), "client_auth");
    settings_.texts.erase("client_auth");
  }
}

TEST_F(Oauth2Settings, TheSchemeChoosesTheMethodWhereTheConfigurationDoesNot) {
  EXPECT_EQ(problem("oauth2_bearer"), "");
  EXPECT_EQ(problem("oauth2_certificate"), "client_secret");
  settings_.secrets.clear();
  EXPECT_EQ(problem("oauth2_bearer"), "client_secret");
  EXPECT_EQ(problem("oauth2_certificate"), "");
}

TEST_F(Oauth2Settings, AKeyIsReadWithItsPassphraseAndForItsAlgorithm) {
  sign_with(key().to_pem());
  settings_.texts["client_key_algorithm"] = "EdDSA";
  settings_.texts["client_key_id"] = "k";
  EXPECT_EQ(problem(), "");
  settings_.texts["client_key_algorithm"] = "ES256";
  EXPECT_EQ(problem(), "client_key_algorithm");
  settings_.texts.erase("client_key_algorithm");
  sign_with(Secret::copy_of("no key"));
  EXPECT_EQ(problem(), "client_key");
  settings_.secrets.erase("client_key");
  settings_.secrets["client_key_passphrase"] = Secret::copy_of("p");
  EXPECT_EQ(problem(), "client_key_passphrase");
}

TEST_F(Oauth2Settings, ResourcesAreAbsoluteUrisAndAtMostEight) {
  settings_.texts["resource"] = "https://api.example/";
  EXPECT_EQ(problem(), "");
  for (const char* bad : {"api", ":x", "https://api.example/#a", "https://api.example/ b"}) {
    settings_.texts["resource"] = bad;
    EXPECT_EQ(problem(), "resource") << bad;
  }
  settings_.texts.erase("resource");
  std::vector<std::string>& several = settings_.lists["resources"];
  for (int i = 0; i < 8; ++i) several.push_back("urn:r:" + std::to_string(i));
  EXPECT_EQ(problem(), "");
  several.push_back("urn:r:8");
  EXPECT_EQ(problem(), "resources");
  several.resize(1);
  settings_.texts["resource"] = "urn:r:0";
  EXPECT_EQ(problem(), "resource");
}

TEST_F(Oauth2Settings, ATokenEndpointElsewhereNeedsAWayThere) {
  settings_.lists["token_endpoint_origins"] = {"https://mtls.example:8443"};
  EXPECT_EQ(problem(), "");
  settings_.texts["token_path"] = "/t";
  EXPECT_EQ(problem(), "token_endpoint_origins");
  settings_.texts.erase("token_path");
  for (const char* bad : {"https://mtls.example", "http://mtls.example:8443",
                          "https://mtls.example:8443/t", "mtls.example"}) {
    settings_.lists["token_endpoint_origins"] = {bad};
    EXPECT_EQ(problem(), "token_endpoint_origins") << bad;
  }
}

TEST_F(Oauth2Settings, AParameterOfOAuth2CannotBeAddedBesideItsSetting) {
  settings_.tables["extra_parameters"] = {{"audience", "payments"}};
  EXPECT_EQ(problem(), "");
  settings_.tables["extra_parameters"] = {{"scope", "admin"}};
  EXPECT_EQ(problem(), "extra_parameters");
}

TEST_F(Oauth2Settings, WhatChangesTheTokenIsAnotherSlot) {
  std::vector<SlotKey> slots{slot()};
  const auto expect_new = [&](const SlotKey& next) {
    for (const SlotKey& known : slots) EXPECT_NE(known, next);
    slots.push_back(next);
  };
  settings_.tables["extra_parameters"] = {{"audience", "a"}};
  expect_new(slot());
  settings_.tables["extra_parameters"] = {{"audience", "b"}};
  expect_new(slot());
  settings_.lists["resources"] = {"urn:a", "urn:b"};
  expect_new(slot());
  const SlotKey both = slot();
  settings_.lists["resources"] = {"urn:b", "urn:a", "urn:b"};
  EXPECT_EQ(slot(), both);
  settings_.lists["resources"] = {"urn:a"};
  expect_new(slot());
  settings_.secrets["client_secret"] = Secret::copy_of("another");
  expect_new(slot());
  settings_.texts["client_auth"] = "client_secret_post";
  expect_new(slot());
  expect_new(slot("oauth2_certificate"));
  sign_with(key().to_pem());
  expect_new(slot());
  sign_with(crypto::PrivateKey::generate(crypto::eddsa).value().to_pem());
  expect_new(slot());
}

}  // namespace
}  // namespace countersign::consumer
