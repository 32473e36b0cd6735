// Who may ask for a token, as a client sees it at the token endpoint.

#include "provider/issuer/client_authentication.h"

#include <gtest/gtest.h>

#include "provider/issuer/issuer_testbed.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::hours;
using testing::IssuerTestbed;
using testing::seconds;
using testing::TestCertificates;
using testing::thumbprint_of;

constexpr const char* unknown = "invalid_client/credential_unknown";

class ClientAuthentication : public ::testing::Test {
 protected:
  FakeExchange posted(std::string_view client_id, std::string_view secret) {
    std::string body = "grant_type=client_credentials";
    http::append_form_field(body, "client_id", client_id);
    http::append_form_field(body, "client_secret", secret);
    return bed.request(body);
  }
  FakeExchange by_certificate(std::string_view client_id, const crypto::VerifiedPeer* peer) {
    std::string body = "grant_type=client_credentials";
    if (!client_id.empty()) http::append_form_field(body, "client_id", client_id);
    FakeExchange exchange = bed.request(body);
    exchange.certificate(peer);
    return exchange;
  }
  std::string with_certificate(FakeExchange exchange, const crypto::VerifiedPeer* peer) {
    exchange.certificate(peer);
    return bed.outcome(exchange);
  }
  // Registers client "post" with a secret in the body.
  std::string add_post_client() {
    bed.add_client("post", ClientAuthMethod::client_secret_post);
    std::string secret = bed.add_secret("post");
    bed.load();
    return secret;
  }
  // Registers client "bank", which authenticates with the certificate `shop`.
  store::ClientRecord& add_certificate_client(
      ClientAuthMethod method = ClientAuthMethod::tls_client_auth) {
    store::ClientRecord& client = bed.add_client("bank", method);
    client.certificates.thumbprints = {thumbprint_of(shop)};
    bed.load();
    return client;
  }

  IssuerTestbed bed;
  const crypto::VerifiedPeer& shop = TestCertificates::get().shop;
  const crypto::VerifiedPeer& other = TestCertificates::get().other;
};

// Secrets.

TEST_F(ClientAuthentication, AcceptsASecretInTheAuthorizationField) {
  EXPECT_EQ(bed.outcome(bed.good()), "");
  EXPECT_EQ(bed.outcome(bed.good("&client_id=shop")), "");
}

TEST_F(ClientAuthentication, AcceptsASecretInTheBody) {
  EXPECT_EQ(bed.outcome(posted("post", add_post_client())), "");
}

TEST_F(ClientAuthentication, RefusesARequestWithoutAnyCredential) {
  FakeExchange exchange = bed.request("grant_type=client_credentials");
  EXPECT_EQ(bed.outcome(exchange), "invalid_client/credential_missing");
  EXPECT_EQ(exchange.status(), 401);
  EXPECT_EQ(exchange.response_field("WWW-Authenticate"), R"(Basic realm="https://issuer.example")");
  EXPECT_EQ(bed.outcome(bed.request("grant_type=client_credentials&client_id=shop")),
            "invalid_client/credential_missing");
}

// reliability A2.27: an empty secret, or the text "null", is no secret.
TEST_F(ClientAuthentication, RefusesEmptyAndNullSecrets) {
  add_post_client();
  EXPECT_EQ(bed.outcome(bed.basic("shop", "")), "invalid_client/credential_malformed");
  EXPECT_EQ(bed.outcome(bed.basic("shop", "null")), "invalid_client/credential_malformed");
  EXPECT_EQ(bed.outcome(posted("post", "")), "invalid_client/credential_missing");
  EXPECT_EQ(bed.outcome(posted("post", "null")), "invalid_client/credential_malformed");
}

// reliability A2.26: who guesses client ids or secrets learns nothing from the answer.
TEST_F(ClientAuthentication, AnswersAnUnknownClientAndAWrongSecretAlike) {
  const std::string unregistered = [&] {
    std::string text = bed.add_secret("shop");
    bed.record.contents.secrets.pop_back();
    return text;
  }();
  const std::string of_another = add_post_client();
  FakeExchange wrong_secret = bed.basic("shop", unregistered);
  FakeExchange unknown_client = bed.basic("nobody", unregistered);
  FakeExchange known_secret = bed.basic("nobody", bed.shop_secret);
  FakeExchange others_secret = bed.basic("shop", of_another);
  EXPECT_EQ(bed.outcome(wrong_secret), unknown);
  EXPECT_EQ(bed.outcome(unknown_client), unknown);
  EXPECT_EQ(bed.outcome(known_secret), unknown);
  EXPECT_EQ(bed.outcome(others_secret), unknown);
  const auto without_id = [](const FakeExchange& exchange) {
    auto refused = protocol::parse_oauth_error_response(exchange.answer()).value();
    return std::to_string(exchange.status()) + refused.code + refused.description + refused.reason;
  };
  for (const FakeExchange* each : {&unknown_client, &known_secret, &others_secret}) {
    EXPECT_EQ(without_id(*each), without_id(wrong_secret));
  }
  // The operator is told the difference.
  EXPECT_TRUE(bed.audit_file.contains("no such secret"));
  EXPECT_TRUE(bed.audit_file.contains("the secret is another client's"));
}

TEST_F(ClientAuthentication, RefusesASecretThatDiffersInItsSecretPartOnly) {
  bed.last_secret().mac[0] ^= 1;  // as if another secret had been registered under this id
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), unknown);
  EXPECT_TRUE(bed.audit_file.contains("the secret does not match"));
}

TEST_F(ClientAuthentication, RefusesASecretWhosePepperIsNotConfigured) {
  bed.last_secret().pepper_version = 2;
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), unknown);
}

TEST_F(ClientAuthentication, RefusesASecretOfAnotherEnvironment) {
  const std::string live = bed.add_secret("shop", "live");
  bed.load();
  EXPECT_EQ(bed.outcome(bed.basic("shop", live)), unknown);
}

TEST_F(ClientAuthentication, RefusesAnApiKeyAsAClientSecret) {
  const auto key = protocol::ApiKey::generate("test", bed.entropy).value();
  EXPECT_EQ(bed.outcome(bed.basic("shop", key.text.unsafe_reveal_text())),
            "invalid_client/credential_malformed");
}

TEST_F(ClientAuthentication, RefusesARevokedSecretAndKeepsTheOther) {
  const std::string newer = bed.add_secret("shop");
  bed.record.contents.secrets.front().revoked_at = bed.clock.wall_now();
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/key_revoked");
  EXPECT_EQ(bed.outcome(bed.basic("shop", newer)), "");
}

TEST_F(ClientAuthentication, RefusesASecretThatWasCutOff) {
  bed.cut_off(SubjectKind::credential, bed.last_secret().secret_id, bed.last_secret().created_at);
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/key_revoked");
}

TEST_F(ClientAuthentication, RefusesASecretFromTheMomentItExpires) {
  bed.last_secret().expires_at = bed.clock.wall_now() + std::chrono::microseconds(1);
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "");
  bed.last_secret().expires_at = bed.clock.wall_now();
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/key_expired");
}

// reliability A2.28, RFC 6749 §2.3: one method per request.
TEST_F(ClientAuthentication, RefusesTwoMethodsInOneRequest) {
  FakeExchange both = bed.good("&client_secret=" + bed.shop_secret);
  EXPECT_EQ(bed.outcome(both), "invalid_request/multiple_credentials");
  EXPECT_EQ(both.status(), 400);
  FakeExchange twice = bed.good();
  twice.field("authorization", "Basic c2hvcDpzZWNyZXQ=");
  EXPECT_EQ(bed.outcome(twice), "invalid_request/multiple_credentials");
  EXPECT_EQ(bed.outcome(bed.good("&client_assertion=a.b.c")),
            "invalid_request/multiple_credentials");
  EXPECT_EQ(
      bed.outcome(bed.request("grant_type=client_credentials&client_id=shop&client_assertion=a.b.c"
                              "&client_secret=" +
                              bed.shop_secret)),
      "invalid_request/multiple_credentials");
  EXPECT_EQ(bed.outcome(bed.good("&client_id=post")), "invalid_request/multiple_credentials");
}

TEST_F(ClientAuthentication, RefusesMethodsThatAreNotOffered) {
  EXPECT_EQ(bed.outcome(bed.request("grant_type=client_credentials&client_id=shop"
                                    "&client_assertion=a.b.c&client_assertion_type=x")),
            "invalid_client/authentication_method_not_allowed");
  FakeExchange bearer = bed.request("grant_type=client_credentials");
  bearer.field("Authorization", "Bearer abc");
  EXPECT_EQ(bed.outcome(bearer), "invalid_client/scheme_not_accepted");
  FakeExchange broken = bed.request("grant_type=client_credentials");
  broken.field("Authorization", "Basic !!!");
  EXPECT_EQ(bed.outcome(broken), "invalid_client/credential_malformed");
  FakeExchange empty = bed.request("grant_type=client_credentials&client_id=shop");
  empty.field("Authorization", "");
  EXPECT_EQ(bed.outcome(empty), "invalid_client/credential_malformed");
}

TEST_F(ClientAuthentication, RefusesAnotherMethodThanTheRegisteredOne) {
  const std::string secret = add_post_client();
  EXPECT_EQ(bed.outcome(bed.basic("post", secret)),
            "invalid_client/authentication_method_not_allowed");
  EXPECT_EQ(bed.outcome(posted("shop", bed.shop_secret)),
            "invalid_client/authentication_method_not_allowed");
  bed.client("shop").auth_method = ClientAuthMethod::none;
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/authentication_method_not_allowed");
}

// reliability A2.29. That the client is disabled is told only to whoever proves to be it.
TEST_F(ClientAuthentication, RefusesADisabledClient) {
  bed.client("shop").status = ClientStatus::disabled;
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "invalid_client/client_disabled");
  std::string wrong = bed.add_secret("shop");
  bed.record.contents.secrets.pop_back();
  EXPECT_EQ(bed.outcome(bed.basic("shop", wrong)), unknown);
}

// reliability A2.30: a client id has one spelling.
TEST_F(ClientAuthentication, TakesClientIdsLiterally) {
  for (const char* alias : {"Shop", "SHOP", "shop ", " shop", "shop%20", "sh\xc3\xb6p", "shop\t"}) {
    EXPECT_NE(bed.outcome(bed.basic(alias, bed.shop_secret)), "") << alias;
  }
}

TEST_F(ClientAuthentication, EnforcesTheNetworksOfTheClient) {
  bed.client("shop").networks = {"10.1.2.0/24"};
  bed.load();
  EXPECT_EQ(bed.outcome(bed.good()), "");
  FakeExchange mapped = bed.good();
  mapped.from("::ffff:10.1.2.3");
  EXPECT_EQ(bed.outcome(mapped), "");
  FakeExchange outside = bed.good();
  outside.from("10.1.3.0");
  EXPECT_EQ(bed.outcome(outside), "invalid_client/network_not_allowed");
  FakeExchange claimed = bed.good();
  claimed.from("10.1.3.0").field("X-Forwarded-For", "10.1.2.3").field("Forwarded", "for=10.1.2.3");
  EXPECT_EQ(bed.outcome(claimed), "invalid_client/network_not_allowed");
}

// Certificates.

// RFC 8705 §2
TEST_F(ClientAuthentication, AcceptsTheRegisteredCertificate) {
  for (const auto method :
       {ClientAuthMethod::tls_client_auth, ClientAuthMethod::self_signed_tls_client_auth}) {
    add_certificate_client(method);
    EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "");
    bed.record.contents.clients.pop_back();
  }
}

TEST_F(ClientAuthentication, RefusesAMissingOrForeignCertificate) {
  add_certificate_client();
  EXPECT_EQ(bed.outcome(by_certificate("bank", nullptr)), "invalid_client/credential_missing");
  EXPECT_EQ(bed.outcome(by_certificate("bank", &other)), unknown);
  EXPECT_EQ(bed.outcome(by_certificate("nobody", &shop)), unknown);
  EXPECT_EQ(bed.outcome(by_certificate("", &shop)), "invalid_client/credential_missing");
}

// RFC 8705 §2.1.2
TEST_F(ClientAuthentication, MatchesSubjectAndAlternativeNames) {
  store::ClientRecord& client = add_certificate_client();
  client.certificates = {};
  client.certificates.subject_dn = "CN=shop";
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "");
  EXPECT_EQ(bed.outcome(by_certificate("bank", &other)), unknown);
  client.certificates = {};
  client.certificates.san_dns = "shop.example";
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "");
  EXPECT_EQ(bed.outcome(by_certificate("bank", &other)), unknown);
  client.certificates.san_dns = "hop.example";
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), unknown);
}

TEST_F(ClientAuthentication, AcceptsNoCertificateIfNoneIsRegistered) {
  for (const auto method :
       {ClientAuthMethod::tls_client_auth, ClientAuthMethod::self_signed_tls_client_auth}) {
    add_certificate_client(method).certificates = {};
    bed.load();
    EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), unknown);
    bed.record.contents.clients.pop_back();
  }
}

// RFC 8705 §2.2: the method names certificates; a subject that anybody may sign for himself proves
// nothing.
TEST_F(ClientAuthentication, DoesNotAcceptANameForASelfSignedCertificate) {
  store::ClientRecord& client =
      add_certificate_client(ClientAuthMethod::self_signed_tls_client_auth);
  client.certificates = {};
  client.certificates.subject_dn = "CN=shop";
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), unknown);
}

TEST_F(ClientAuthentication, DoesNotTakeACertificateInPlaceOfASecret) {
  bed.client("shop").certificates.thumbprints = {thumbprint_of(shop)};
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("shop", &shop)),
            "invalid_client/authentication_method_not_allowed");
}

TEST_F(ClientAuthentication, DoesNotTakeASecretInPlaceOfACertificate) {
  add_certificate_client();
  const std::string secret = bed.add_secret("bank");
  bed.load();
  EXPECT_EQ(with_certificate(bed.basic("bank", secret), &shop),
            "invalid_client/authentication_method_not_allowed");
}

TEST_F(ClientAuthentication, EnforcesTheCertificateBesideASecretWhereOneIsRegistered) {
  bed.client("shop").certificates.thumbprints = {thumbprint_of(shop)};
  bed.load();
  EXPECT_EQ(with_certificate(bed.good(), &shop), "");
  EXPECT_EQ(with_certificate(bed.good(), nullptr), "invalid_client/certificate_missing");
  EXPECT_EQ(with_certificate(bed.good(), &other), "invalid_client/certificate_not_registered");
}

TEST_F(ClientAuthentication, RefusesACertificateThatExpiredSinceTheHandshake) {
  add_certificate_client();
  bed.clock.advance(hours(24));  // not_after is the last moment at which it is valid
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "");
  bed.clock.advance(std::chrono::microseconds(1));
  bed.load();
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "invalid_client/certificate_expired");
}

TEST_F(ClientAuthentication, RefusesACertificateThatWasCutOff) {
  add_certificate_client();
  bed.cut_off(SubjectKind::certificate, thumbprint_of(shop), bed.clock.wall_now());
  EXPECT_EQ(bed.outcome(by_certificate("bank", &shop)), "invalid_client/certificate_revoked");
}

// Audit.

TEST_F(ClientAuthentication, NeverWritesASecretIntoTheAudit) {
  bed.outcome(bed.good());
  bed.outcome(bed.basic("nobody", bed.shop_secret));
  bed.outcome(bed.basic("shop", "css_test_not-a-secret"));
  EXPECT_EQ(bed.audit_file.lines(), 3u);
  const std::string_view secret_part =
      protocol::parse_client_secret(bed.shop_secret).value().secret;
  EXPECT_FALSE(bed.audit_file.contains(secret_part));
  EXPECT_FALSE(bed.audit_file.contains("not-a-secret"));
  EXPECT_TRUE(bed.audit_file.contains(bed.last_secret().secret_id));
}

}  // namespace
}  // namespace countersign::provider
