// Every row of the registry: what it must be told, what it attaches, what a refusal does.

#include "consumer/schemes/scheme_registry.h"

#include <set>

#include <gtest/gtest.h>

#include "consumer/schemes/redact.h"
#include "core/bytes.h"
#include "protocol/api_key.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/test_executor.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

class SchemeTest : public ::testing::Test {
 protected:
  SchemeParts parts() {
    return {.home = loop_,
            .clock = clock_,
            .entropy = entropy_,
            .issuer = &issuer_,
            .certificate_thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"};
  }
  static SchemeSettings key_settings(std::string_view key = "k-123") {
    SchemeSettings settings;
    settings.secrets["key"] = Secret::copy_of(key);
    return settings;
  }
  static SchemeSettings oauth_settings() {
    SchemeSettings settings;
    settings.texts["issuer"] = "https://issuer.example";
    settings.texts["token_path"] = "/token";
    settings.texts["client_id"] = "c1";
    return settings;
  }
  static SchemeSettings bearer_settings() {
    SchemeSettings settings = oauth_settings();
    settings.secrets["client_secret"] = Secret::copy_of("s3cret");
    return settings;
  }
  std::string error_of(std::string_view name, const SchemeSettings& settings) {
    const auto made = make_scheme(name, settings, parts());
    return made ? "" : made.error().code;
  }
  Instant now() const { return {clock_.boot_now(), clock_.wall_now()}; }
  static http::ResponseHead answer(int status, std::string_view challenge) {
    http::ResponseHead head;
    head.status = status;
    if (!challenge.empty()) head.fields.push_back({"www-authenticate", challenge});
    return head;
  }
  void issuer_grants(std::string_view token) {
    issuer_.then({.status = 200,
                  .fields = {{"Content-Type", "application/json"}},
                  .body = R"({"access_token":")" + std::string(token) +
                          R"(","token_type":"Bearer","expires_in":300})"});
  }

  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient issuer_{loop_};
};

using SchemeRegistry = SchemeTest;

TEST_F(SchemeRegistry, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const SchemeRow& row : all_schemes()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_scheme(row.name), &row);
    EXPECT_NE(row.make, nullptr);
    for (const SettingSpec& spec : row.settings) EXPECT_FALSE(spec.help.empty()) << spec.key;
  }
  EXPECT_EQ(find_scheme("basic"), nullptr);
  EXPECT_EQ(error_of("basic", {}), "consumer.unknown_scheme");
}

TEST_F(SchemeRegistry, RefusesMissingUnknownAndMistypedSettings) {
  EXPECT_EQ(error_of("api_key", {}), "consumer.setting_missing");
  SchemeSettings unknown = key_settings();
  unknown.texts["colour"] = "blue";
  EXPECT_EQ(error_of("api_key", unknown), "consumer.setting_unknown");
  SchemeSettings mistyped = key_settings();
  mistyped.lists["header"] = {"X-Api-Key"};
  EXPECT_EQ(error_of("api_key", mistyped), "consumer.setting_unknown");
  EXPECT_EQ(error_of("oauth2_bearer", {}), "consumer.setting_missing");
}

TEST_F(SchemeRegistry, ASchemeThatNeedsAnIssuerOrACertificateIsNotMadeWithout) {
  SchemeParts without_issuer = parts();
  without_issuer.issuer = nullptr;
  EXPECT_EQ(make_scheme("oauth2_bearer", bearer_settings(), without_issuer).error().code,
            "consumer.scheme_needs_issuer");
  SchemeParts without_certificate = parts();
  without_certificate.certificate_thumbprint.clear();
  EXPECT_EQ(make_scheme("oauth2_certificate", oauth_settings(), without_certificate).error().code,
            "consumer.scheme_needs_certificate");
  EXPECT_TRUE(make_scheme("api_key", key_settings(), without_issuer));
}

TEST_F(SchemeRegistry, RefusesSettingsThatMakeNoSense) {
  auto with = [](SchemeSettings settings, std::string key, std::string value) {
    settings.texts[key] = value;
    return settings;
  };
  EXPECT_EQ(error_of("api_key", key_settings("")), "consumer.bad_setting");
  EXPECT_EQ(error_of("api_key", key_settings("two words")), "consumer.bad_setting");
  EXPECT_EQ(error_of("api_key", key_settings("a\r\nX: y")), "consumer.bad_setting");
  EXPECT_EQ(error_of("api_key", with(key_settings(), "header", "X Key")), "consumer.bad_setting");
  EXPECT_EQ(error_of("api_key", with(key_settings(), "prefix", "a\n")), "consumer.bad_setting");
  EXPECT_EQ(error_of("oauth2_bearer", with(bearer_settings(), "issuer", "http://i.example")),
            "consumer.bad_setting");
  EXPECT_EQ(error_of("oauth2_bearer", with(bearer_settings(), "token_path", "token")),
            "consumer.bad_setting");
  EXPECT_EQ(error_of("oauth2_bearer", with(bearer_settings(), "client_id", "")),
            "consumer.bad_setting");
}

using ApiKeyScheme = SchemeTest;

TEST_F(ApiKeyScheme, AttachesTheKeyInAuthorizationByDefault) {
  const auto shared = make_scheme("api_key", key_settings(), parts()).value();
  const auto scheme = shared->for_loop(loop_);
  Attached attached;
  ASSERT_TRUE(scheme->attach(now(), attached));
  EXPECT_EQ(attached.field_name, "Authorization");
  EXPECT_EQ(attached.field_value, "ApiKey k-123");
  EXPECT_EQ(shared->field_name(), "Authorization");
}

TEST_F(ApiKeyScheme, AttachesTheBareKeyInAnotherField) {
  SchemeSettings settings = key_settings();
  settings.texts["header"] = "X-Provider-Key";
  const auto shared = make_scheme("api_key", settings, parts()).value();
  Attached attached;
  ASSERT_TRUE(shared->for_loop(loop_)->attach(now(), attached));
  EXPECT_EQ(shared->field_name(), "X-Provider-Key");
}

TEST_F(ApiKeyScheme, ARefusalIsTheCallersToSee) {
  const auto shared = make_scheme("api_key", key_settings(), parts()).value();
  const auto scheme = shared->for_loop(loop_);
  Attached attached;
  ASSERT_TRUE(scheme->attach(now(), attached));
  EXPECT_EQ(scheme->refused(answer(401, R"(Bearer error="invalid_token")"), attached.generation),
            AfterRefusal::pass_on);
  EXPECT_TRUE(scheme->attach(now(), attached));
}

TEST_F(ApiKeyScheme, TheNextKeyFollowsWhenTheFirstIsRefused) {
  SchemeSettings settings = key_settings("old-key");
  settings.secrets["next_key"] = Secret::copy_of("new-key");
  const auto shared = make_scheme("api_key", settings, parts()).value();
  const auto one = shared->for_loop(loop_);
  const auto other = shared->for_loop(loop_);
  Attached first;
  Attached late;
  ASSERT_TRUE(one->attach(now(), first));
  ASSERT_TRUE(other->attach(now(), late));
  EXPECT_EQ(first.field_value, "ApiKey old-key");
  for (const int status : {403, 429, 500})
    EXPECT_EQ(one->refused(answer(status, ""), first.generation), AfterRefusal::pass_on) << status;
  EXPECT_EQ(one->refused(answer(401, ""), first.generation), AfterRefusal::repeat);
  Attached second;
  ASSERT_TRUE(one->attach(now(), second));
  EXPECT_EQ(second.field_value, "ApiKey new-key");
  // A call that began with the old key hears of it later: it goes on with the new one too.
  EXPECT_EQ(other->refused(answer(401, ""), late.generation), AfterRefusal::repeat);
  ASSERT_TRUE(other->attach(now(), second));
  EXPECT_EQ(second.field_value, "ApiKey new-key");
  // There is no third.
  EXPECT_EQ(one->refused(answer(401, ""), second.generation), AfterRefusal::pass_on);
  ASSERT_TRUE(one->attach(now(), second));
  EXPECT_EQ(second.field_value, "ApiKey new-key");
}

TEST_F(ApiKeyScheme, IsShownWithoutItsSecret) {
  const auto key = protocol::ApiKey::generate("live", entropy_).value();
  const auto shared =
      make_scheme("api_key", key_settings(key.text.unsafe_reveal_text()), parts()).value();
  const std::string shown =
      shared->redacted("ApiKey " + std::string(key.text.unsafe_reveal_text()));
  EXPECT_TRUE(shown.starts_with("ApiKey cs_live_" + key.id + "_")) << shown;
  const auto view = protocol::parse_api_key(key.text.unsafe_reveal_text()).value();
  EXPECT_EQ(shown.find(view.secret.substr(0, 8)), std::string::npos);
  EXPECT_EQ(shared->redacted("ApiKey hunter2hunter2"), "ApiKey … (14 bytes)");
}

using Oauth2Scheme = SchemeTest;

TEST_F(Oauth2Scheme, AttachesTheTokenOnceItIsThere) {
  issuer_grants("t1");
  const auto shared = make_scheme("oauth2_bearer", bearer_settings(), parts()).value();
  const auto scheme = shared->for_loop(loop_);
  Attached attached;
  EXPECT_FALSE(scheme->attach(now(), attached));
  EXPECT_TRUE(loop_.run_until_done(scheme->wait_ready(loop_.now() + 10s)));
  ASSERT_TRUE(scheme->attach(now(), attached));
  EXPECT_EQ(attached.field_name, "Authorization");
  EXPECT_EQ(attached.field_value, "Bearer t1");
  EXPECT_EQ(attached.generation, 1u);
  EXPECT_NE(issuer_.requests().at(0).value("Authorization"), "");
}

TEST_F(Oauth2Scheme, ACertificateSchemeSendsNoSecret) {
  issuer_grants("t1");
  SchemeSettings settings = oauth_settings();
  settings.lists["scopes"] = {"a"};
  const auto shared = make_scheme("oauth2_certificate", settings, parts()).value();
  shared->start();
  loop_.run();
  EXPECT_EQ(issuer_.requests().at(0).count("Authorization"), 0u);
  EXPECT_EQ(issuer_.requests().at(0).body, "grant_type=client_credentials&scope=a&client_id=c1");
  ASSERT_NE(shared->slot(), nullptr);
  EXPECT_EQ(shared->slot()->key().certificate_thumbprint, parts().certificate_thumbprint);
}

TEST_F(Oauth2Scheme, OnlyAnInvalidTokenIsReplaced) {
  issuer_grants("t1");
  issuer_grants("t2");
  const auto shared = make_scheme("oauth2_bearer", bearer_settings(), parts()).value();
  const auto scheme = shared->for_loop(loop_);
  shared->start();
  loop_.run();
  Attached attached;
  ASSERT_TRUE(scheme->attach(now(), attached));
  for (const char* challenge :
       {"", "Bearer", R"(Bearer error="insufficient_scope")", R"(Basic error="invalid_token")",
        R"(Bearer realm="error=invalid_token")", "garbage,,,=="}) {
    EXPECT_EQ(scheme->refused(answer(401, challenge), 1), AfterRefusal::pass_on) << challenge;
  }
  EXPECT_EQ(scheme->refused(answer(403, R"(Bearer error="invalid_token")"), 1),
            AfterRefusal::pass_on);
  EXPECT_TRUE(scheme->attach(now(), attached));
  EXPECT_EQ(scheme->refused(answer(401, R"(Basic realm="x", Bearer error="invalid_token")"), 1),
            AfterRefusal::repeat);
  EXPECT_FALSE(scheme->attach(now(), attached));
  loop_.run();
  ASSERT_TRUE(scheme->attach(now(), attached));
  EXPECT_EQ(attached.field_value, "Bearer t2");
}

TEST(Redact, ShowsTheKeyIdOfAJwtAndNothingOfItsClaims) {
  const std::string token = encode_base64url(as_bytes(R"({"alg":"ES256","kid":"k-1"})")) + "." +
                            encode_base64url(as_bytes(R"({"sub":"shop"})")) + ".c2ln";
  EXPECT_EQ(redacted_token(token), "… (" + std::to_string(token.size()) + " bytes, JWT, kid k-1)");
  EXPECT_EQ(redacted_token("opaque"), "… (6 bytes)");
  const std::string hostile = encode_base64url(as_bytes(R"({"kid":"a\nb"})")) + ".x.y";
  EXPECT_EQ(redacted_token(hostile), "… (" + std::to_string(hostile.size()) + " bytes)");
}

}  // namespace
}  // namespace countersign::consumer
