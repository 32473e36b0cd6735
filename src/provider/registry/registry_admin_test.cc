#include "provider/registry/registry_admin.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/token_id.h"
#include "provider/registry/registry_checks.h"
#include "store/sqlite_registry_store.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/temporary_folder.h"

namespace countersign::provider {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;
using store::ClientAuthMethod;
using store::ClientStatus;
using store::SubjectKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string thumbprint_a(43, 'A');
const std::string thumbprint_b = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

class RegistryAdminTest : public ::testing::Test {
 protected:
  RegistryAdminTest() {
    auto store = store::SqliteRegistryStore::open(path_, clock_);
    if (!store) panic(store.error().for_log());
    store_ = *std::move(store);
    admin_.emplace(*store_, peppers_, clock_, entropy_,
                   RegistryAdminOptions{.environment = "test"});
  }
  static protocol::Peppers two_peppers() {
    return *protocol::Peppers::parse(Secret::copy_of(
        "1 " + encode_base64url(Bytes(32, 1)) + "\n2 " + encode_base64url(Bytes(32, 2)) + "\n"));
  }
  NewClient good_client() {
    return {.client_id = "acme-billing",
            .name = "Acme billing",
            .scopes = {"payments:write", "payments:read"}};
  }
  NewClient secret_client() {
    NewClient client = good_client();
    client.client_id = "acme-secret";
    client.auth_method = ClientAuthMethod::client_secret_basic;
    return client;
  }
  void add(const NewClient& client) {
    const auto added = admin_->add_client(client);
    if (!added) panic(added.error().for_log());
  }
  // The code of the refusal, "" if it was accepted.
  std::string code_of(const NewClient& client) {
    const auto added = admin_->add_client(client);
    return added ? "" : added.error().code;
  }
  std::string code_of(const NewKey& key) {
    const auto issued = admin_->issue_key(key);
    return issued ? "" : issued.error().code;
  }
  store::CutOffRecord cut_off(SubjectKind kind, const std::string& subject) {
    return store_->find_cut_off(kind, subject)->value();
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "registry.db";
  testing::FakeClock clock_;
  testing::FakeEntropy entropy_;
  protocol::Peppers peppers_ = two_peppers();
  std::unique_ptr<store::SqliteRegistryStore> store_;
  std::optional<RegistryAdmin> admin_;
};

TEST_F(RegistryAdminTest, AddsAClientAsItWasAskedFor) {
  NewClient request = good_client();
  request.auth_method = ClientAuthMethod::tls_client_auth;
  request.certificate_bound_access_tokens = true;
  request.certificates.san_dns = "Billing.Acme.example";
  request.networks = {"10.2.0.0/16", "10.1.0.0/16", "10.2.0.0/16"};
  request.token_lifetime = seconds(60);
  const auto added = admin_->add_client(request);
  ASSERT_TRUE(added);
  EXPECT_EQ(added->seq, 1);
  const auto client = **store_->find_client("acme-billing");
  EXPECT_EQ(client, added->client);
  EXPECT_EQ(client.status, ClientStatus::active);
  EXPECT_THAT(client.scopes, ElementsAre("payments:read", "payments:write"));
  EXPECT_THAT(client.networks, ElementsAre("10.1.0.0/16", "10.2.0.0/16"));
  EXPECT_EQ(client.certificates.san_dns, "billing.acme.example");
  EXPECT_TRUE(client.certificate_bound_access_tokens);
  EXPECT_EQ(client.token_lifetime, seconds(60));
  EXPECT_EQ(client.created_at, clock_.wall_now());
  EXPECT_EQ(admin_->list_clients()->size(), 1u);
}

TEST_F(RegistryAdminTest, MakesAnIdForAClientThatBringsNone) {
  NewClient request = good_client();
  request.client_id.clear();
  const auto first = admin_->add_client(request);
  const auto second = admin_->add_client(request);
  ASSERT_TRUE(first && second);
  EXPECT_THAT(first->client.client_id, StartsWith("cl_"));
  EXPECT_EQ(first->client.client_id.size(), 19u);
  EXPECT_NE(first->client.client_id, second->client.client_id);
}

TEST_F(RegistryAdminTest, RefusesAClientIdThatIsTakenOrMalformed) {
  add(good_client());
  EXPECT_EQ(code_of(good_client()), "registry.duplicate");
  NewClient request = good_client();
  for (const std::string& id : {std::string("a b"), std::string("a:b"), std::string("-a"),
                                std::string("ä"), std::string("a\n"), std::string(65, 'a')}) {
    request.client_id = id;
    EXPECT_EQ(code_of(request), "admin.bad_client_id") << id;
  }
  request.client_id = std::string(64, 'a');
  EXPECT_EQ(code_of(request), "");
}

TEST_F(RegistryAdminTest, RefusesNamesThatAreEmptyLongOrHoldControlCharacters) {
  NewClient request = good_client();
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string("a\x7f"), std::string(257, 'a')}) {
    request.name = name;
    EXPECT_EQ(code_of(request), "admin.bad_name");
  }
  request.name = std::string(256, 'a');
  EXPECT_EQ(code_of(request), "");
}

TEST_F(RegistryAdminTest, NamesTheFieldThatIsWrong) {
  NewClient request = good_client();
  request.scopes = {"a b"};
  EXPECT_EQ(code_of(request), "admin.bad_scopes");
  request = good_client();
  request.networks = {"10.0.0.1/8"};
  const auto refused = admin_->add_client(request);
  EXPECT_EQ(refused.error().code, "admin.bad_networks");
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_input);
  EXPECT_THAT(refused.error().public_text, StartsWith("networks: "));
  EXPECT_THAT(refused.error().public_text, HasSubstr("10.0.0.1/8"));
  request = good_client();
  request.networks.assign(networks_max + 1, "10.0.0.0/8");
  EXPECT_EQ(code_of(request), "admin.bad_networks");
  request = good_client();
  request.certificates.thumbprints = {"AB:CD"};
  EXPECT_EQ(code_of(request), "admin.bad_thumbprints");
  EXPECT_THAT(*admin_->list_clients(), IsEmpty());
}

TEST_F(RegistryAdminTest, BoundsTheLifetimeOfTokens) {
  NewClient request = good_client();
  for (const seconds lifetime : {seconds(0), seconds(-5), seconds(24 * 3600 + 1)}) {
    request.token_lifetime = lifetime;
    EXPECT_EQ(code_of(request), "admin.bad_token_lifetime");
  }
  request.token_lifetime = seconds(24 * 3600);
  EXPECT_EQ(code_of(request), "");
}

// RFC 8705 §2.1.2: exactly one of the subject and SAN rules.
TEST_F(RegistryAdminTest, WantsExactlyOneSubjectRuleForTlsClientAuth) {
  NewClient request = good_client();
  request.auth_method = ClientAuthMethod::tls_client_auth;
  EXPECT_EQ(code_of(request), "admin.bad_certificates");
  request.certificates.thumbprints = {thumbprint_a};
  EXPECT_EQ(code_of(request), "admin.bad_certificates");
  request.certificates.subject_dn = "CN=billing,O=Acme";
  request.certificates.san_dns = "billing.acme.example";
  EXPECT_EQ(code_of(request), "admin.bad_certificates");
  request.certificates.san_dns = std::nullopt;
  EXPECT_EQ(code_of(request), "");
}

TEST_F(RegistryAdminTest, WantsAThumbprintAndNoSubjectForSelfSignedCertificates) {
  NewClient request = good_client();
  request.auth_method = ClientAuthMethod::self_signed_tls_client_auth;
  EXPECT_EQ(code_of(request), "admin.bad_certificates");
  request.certificates.thumbprints = {thumbprint_a};
  request.certificates.subject_dn = "CN=billing";
  EXPECT_EQ(code_of(request), "admin.bad_certificates");
  request.certificates.subject_dn = std::nullopt;
  EXPECT_EQ(code_of(request), "");
  request.client_id = "other";  // the same certificate cannot be two clients
  EXPECT_EQ(code_of(request), "registry.duplicate");
}

TEST_F(RegistryAdminTest, RefusesSubjectRulesThatNoCertificateCouldMatch) {
  const auto code = [&](auto set) {
    NewClient request = good_client();
    set(request.certificates);
    return code_of(request);
  };
  for (const std::string name : {"", "billing", "CN=billing, O=Acme", "CN=a\nb"}) {
    EXPECT_EQ(code([&](auto& rules) { rules.subject_dn = name; }),
              "admin.bad_tls_client_auth_subject_dn")
        << name;
  }
  for (const std::string name : {"", "*.acme.example", "a b", ".a", "a."}) {
    EXPECT_EQ(code([&](auto& rules) { rules.san_dns = name; }), "admin.bad_tls_client_auth_san_dns")
        << name;
  }
  for (const std::string uri : {"", "acme", ":x", "spiffe://a b"}) {
    EXPECT_EQ(code([&](auto& rules) { rules.san_uri = uri; }), "admin.bad_tls_client_auth_san_uri")
        << uri;
  }
  EXPECT_EQ(code([](auto& rules) { rules.san_ip = "10.0.0.0/8"; }),
            "admin.bad_tls_client_auth_san_ip");
  // An escaped comma belongs to the value.
  EXPECT_EQ(code([](auto& rules) { rules.subject_dn = "CN=billing\\, Inc.,O=Acme"; }), "");
}

TEST_F(RegistryAdminTest, IssuesAKeyWhoseTextVerifiesAgainstItsRecord) {
  add(good_client());
  const auto issued = admin_->issue_key({.client_id = "acme-billing",
                                         .scopes = {"payments:read"},
                                         .certificate_thumbprint = thumbprint_a,
                                         .networks = {"10.0.0.0/8"},
                                         .not_before = std::nullopt,
                                         .expires_at = clock_.wall_now() + hours(1),
                                         .note = "nightly"});
  ASSERT_TRUE(issued);
  const std::string_view text = issued->text.unsafe_reveal_text();
  EXPECT_THAT(std::string(text), StartsWith("cs_test_" + issued->key.key_id + "_"));
  const store::KeyRecord key = **store_->find_key(issued->key.key_id);
  EXPECT_EQ(key, issued->key);
  EXPECT_EQ(key.pepper_version, 2);
  EXPECT_EQ(key.not_before, clock_.wall_now());
  EXPECT_EQ(key.hint, text.substr(text.size() - 4));
  protocol::KeyMac mac{};
  std::copy(key.mac.begin(), key.mac.end(), mac.begin());
  const auto view = protocol::parse_api_key(text);
  EXPECT_TRUE(protocol::mac_matches(*view, *peppers_.find(2), mac));
  EXPECT_FALSE(protocol::mac_matches(*view, *peppers_.find(1), mac));
}

TEST_F(RegistryAdminTest, WritesNoSecretIntoTheStore) {
  add(good_client());
  add(secret_client());
  const auto key = admin_->issue_key({.client_id = "acme-billing"});
  const auto secret = admin_->issue_client_secret({.client_id = "acme-secret"});
  ASSERT_TRUE(key && secret);
  store_.reset();  // all of it is in the file
  std::stringstream file;
  file << std::ifstream(path_).rdbuf();
  const auto view = protocol::parse_api_key(key->text.unsafe_reveal_text());
  EXPECT_THAT(file.str(), HasSubstr(std::string(view->id)));
  EXPECT_THAT(file.str(), Not(HasSubstr(std::string(view->secret))));
  const auto secret_view = protocol::parse_client_secret(secret->text.unsafe_reveal_text());
  EXPECT_THAT(file.str(), Not(HasSubstr(std::string(secret_view->secret))));
}

TEST_F(RegistryAdminTest, RefusesKeysThatAllowMoreThanTheirClient) {
  add(good_client());
  EXPECT_EQ(
      code_of(NewKey{.client_id = "acme-billing", .scopes = {"payments:read", "refunds:write"}}),
      "admin.bad_scopes");
  const auto refused =
      admin_->issue_key({.client_id = "acme-billing", .scopes = {"refunds:write"}});
  EXPECT_THAT(refused.error().public_text, HasSubstr("refunds:write"));
  EXPECT_EQ(code_of(NewKey{.client_id = "acme-billing", .scopes = {}}), "");
}

TEST_F(RegistryAdminTest, RefusesKeysForClientsThatAreUnknownOrDisabled) {
  EXPECT_EQ(code_of(NewKey{.client_id = "acme-billing"}), "registry.unknown_client");
  add(good_client());
  ASSERT_TRUE(admin_->disable_client("acme-billing", "gone"));
  EXPECT_EQ(code_of(NewKey{.client_id = "acme-billing"}), "admin.client_disabled");
}

TEST_F(RegistryAdminTest, RefusesKeysThatExpireBeforeTheyBegin) {
  add(good_client());
  NewKey request{.client_id = "acme-billing"};
  const WallTime now = clock_.wall_now();
  request.expires_at = now;
  EXPECT_EQ(code_of(request), "admin.bad_expires_at");
  request.expires_at = now + microseconds(1);
  EXPECT_EQ(code_of(request), "");
  request.not_before = now + hours(1);
  request.expires_at = now + hours(1);
  EXPECT_EQ(code_of(request), "admin.bad_expires_at");
  request.not_before = now - hours(2);
  request.expires_at = now - hours(1);
  EXPECT_EQ(code_of(request), "admin.bad_expires_at");
}

TEST_F(RegistryAdminTest, RefusesAMalformedEnvironmentBeforeAnythingIsWritten) {
  add(good_client());
  RegistryAdmin bad(*store_, peppers_, clock_, entropy_, {.environment = "Not_Good"});
  EXPECT_EQ(bad.issue_key({.client_id = "acme-billing"}).error().code, "api_key.bad_environment");
  EXPECT_THAT(*store_->list_keys(""), IsEmpty());
}

TEST_F(RegistryAdminTest, IssuesSecretsOnlyToClientsThatUseThem) {
  add(good_client());
  add(secret_client());
  EXPECT_EQ(admin_->issue_client_secret({.client_id = "acme-billing"}).error().code,
            "admin.bad_client_id");
  const auto issued = admin_->issue_client_secret({.client_id = "acme-secret"});
  ASSERT_TRUE(issued);
  EXPECT_TRUE(protocol::parse_client_secret(issued->text.unsafe_reveal_text()));
  EXPECT_EQ(admin_->list_client_secrets("acme-secret")->size(), 1u);
}

TEST_F(RegistryAdminTest, RevokesAKeyByItsIdOnly) {
  add(good_client());
  const auto issued = admin_->issue_key({.client_id = "acme-billing"});
  const auto by_text = admin_->revoke_key(issued->text.unsafe_reveal_text(), "");
  EXPECT_EQ(by_text.error().code, "registry.unknown_credential");
  EXPECT_THAT(by_text.error().for_log(),
              Not(HasSubstr(std::string(issued->text.unsafe_reveal_text()))));
  const auto seq = admin_->revoke_key(issued->key.key_id, "leaked");
  ASSERT_TRUE(seq);
  EXPECT_EQ((*store_->find_key(issued->key.key_id))->revoked_at, clock_.wall_now());
  EXPECT_EQ(cut_off(SubjectKind::credential, issued->key.key_id).reason, "leaked");
  EXPECT_EQ(store_->changes_since(0, 100)->head_seq, *seq);
  EXPECT_EQ(admin_->revoke_client_secret(issued->key.key_id, "").error().kind,
            ErrorKind::not_found);
}

TEST_F(RegistryAdminTest, RevokesAClientSecret) {
  add(secret_client());
  const auto issued = admin_->issue_client_secret({.client_id = "acme-secret"});
  ASSERT_TRUE(admin_->revoke_client_secret(issued->secret.secret_id, "rolled"));
  EXPECT_EQ((*store_->find_secret(issued->secret.secret_id))->revoked_at, clock_.wall_now());
  EXPECT_EQ(admin_->revoke_key(issued->secret.secret_id, "").error().kind, ErrorKind::not_found);
}

TEST_F(RegistryAdminTest, KeepsAClientsCutOffForAsLongAsItsTokensMayLive) {
  add(good_client());
  ASSERT_TRUE(admin_->disable_client("acme-billing", "gone"));
  const auto recorded = cut_off(SubjectKind::client, "acme-billing");
  EXPECT_EQ(recorded.issued_at_or_before, clock_.wall_now());
  EXPECT_EQ(recorded.expires_at, clock_.wall_now() + hours(24) + seconds(60));
  EXPECT_EQ(admin_->disable_client("other", "").error().code, "registry.unknown_client");
  EXPECT_EQ(admin_->disable_client("acme-billing", "a\nb").error().code, "admin.bad_reason");
}

TEST_F(RegistryAdminTest, RevokesATokenWhateverTimeOfIssueIsReadFromIt) {
  const std::string jti = protocol::TokenId::make(clock_.wall_now(), entropy_).to_string();
  ASSERT_TRUE(admin_->revoke_token({.jti = jti, .expires_at = std::nullopt, .reason = "leaked"}));
  EXPECT_EQ(cut_off(SubjectKind::token, jti).issued_at_or_before, WallTime::max());
  EXPECT_EQ(cut_off(SubjectKind::token, jti).expires_at,
            clock_.wall_now() + hours(24) + seconds(60));
  const std::string other = protocol::TokenId::make(clock_.wall_now(), entropy_).to_string();
  const WallTime exp = clock_.wall_now() + seconds(300);
  ASSERT_TRUE(admin_->revoke_token({.jti = other, .expires_at = exp, .reason = ""}));
  EXPECT_EQ(cut_off(SubjectKind::token, other).expires_at, exp + seconds(60));
}

TEST_F(RegistryAdminTest, RefusesWhatIsNoTokenIdOfThisIssuer) {
  const std::string future =
      protocol::TokenId::make(clock_.wall_now() + seconds(61), entropy_).to_string();
  for (const std::string& jti :
       {std::string(), std::string("abc"), std::string("eyJhbGciOiJFUzI1NiJ9.e30.sig"), future}) {
    const auto refused =
        admin_->revoke_token({.jti = jti, .expires_at = std::nullopt, .reason = ""});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "admin.bad_jti");
    if (!jti.empty()) EXPECT_THAT(refused.error().for_log(), Not(HasSubstr(jti)));
  }
  const std::string jti = protocol::TokenId::make(clock_.wall_now(), entropy_).to_string();
  EXPECT_EQ(
      admin_->revoke_token({.jti = jti, .expires_at = WallTime::max(), .reason = ""}).error().code,
      "admin.bad_expires_at");
}

TEST_F(RegistryAdminTest, RevokesACertificateForGood) {
  ASSERT_TRUE(admin_->revoke_certificate(thumbprint_b, "key lost"));
  EXPECT_EQ(cut_off(SubjectKind::certificate, thumbprint_b).issued_at_or_before, WallTime::max());
  EXPECT_EQ(cut_off(SubjectKind::certificate, thumbprint_b).expires_at, std::nullopt);
  EXPECT_EQ(admin_->revoke_certificate("AB:CD", "").error().code, "admin.bad_thumbprint");
}

}  // namespace
}  // namespace countersign::provider
