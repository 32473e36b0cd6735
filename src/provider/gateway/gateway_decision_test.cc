// What the gateway lets through and what it refuses, as a consumer sees it. Each refusal is by its
// own reason.

#include <gtest/gtest.h>

#include "provider/gateway/cut_offs.h"
#include "provider/gateway/gateway_testbed.h"

namespace countersign::provider {
namespace {

using store::SubjectKind;
using testing::FakeExchange;
using testing::GatewayTestbed;
using testing::hours;
using testing::seconds;
using testing::TestCertificates;

class GatewayDecision : public ::testing::Test {
 protected:
  // Of a GET with this Authorization value, optionally over a connection with a client certificate.
  std::string get(std::string_view authorization, const crypto::VerifiedPeer* peer = nullptr) {
    FakeExchange exchange = bed.get(authorization);
    exchange.certificate(peer);
    return bed.reason(exchange);
  }
  std::string post(std::string_view authorization, const crypto::VerifiedPeer* peer = nullptr) {
    FakeExchange exchange = bed.post(authorization);
    exchange.certificate(peer);
    return bed.reason(exchange);
  }
  std::string bearer(const testing::TokenSpec& spec = {}) { return "Bearer " + bed.token(spec); }
  std::string api_key(const testing::KeySpec& spec = {}) { return "ApiKey " + bed.key(spec); }

  GatewayTestbed bed;
  const crypto::VerifiedPeer& shop = TestCertificates::get().shop;
  const crypto::VerifiedPeer& other = TestCertificates::get().other;
};

TEST_F(GatewayDecision, AllowsEachScheme) {
  EXPECT_EQ(get(api_key()), "");
  EXPECT_EQ(get(bearer()), "");
  EXPECT_EQ(get(bearer({.client_id = "shop", .bound_to = &shop}), &shop), "");
  EXPECT_EQ(bed.upstream.requests().size(), 3u);
}

// Credentials.

// reliability A2.65: a missing or empty credential is never taken for another kind.
TEST_F(GatewayDecision, RefusesWhatIsNoCredential) {
  EXPECT_EQ(get(""), "credential_missing");
  EXPECT_EQ(get("Bearer"), "credential_malformed");
  EXPECT_EQ(get("Bearer "), "credential_malformed");
  EXPECT_EQ(get("ApiKey a b"), "credential_malformed");
  EXPECT_EQ(get("Basic c2hvcDpzZWNyZXQ="), "scheme_not_accepted");
  EXPECT_EQ(get("ApiKey null"), "credential_malformed");
  EXPECT_EQ(get("Bearer null"), "token_malformed");
  EXPECT_EQ(get("DPoP abc"), "scheme_not_accepted");
}

// reliability A2.28: two ways to authenticate in one request.
TEST_F(GatewayDecision, RefusesTwoCredentials) {
  FakeExchange twice = bed.get(bearer());
  twice.field("authorization", "ApiKey abc");
  EXPECT_EQ(bed.reason(twice), "multiple_credentials");
  EXPECT_EQ(twice.status(), 400);

  GatewayOptions options = GatewayTestbed::default_options();
  options.api_key_field = "X-Api-Key";
  bed.rebuild(options);
  FakeExchange both = bed.get(bearer());
  both.field("x-api-key", bed.key());
  EXPECT_EQ(bed.reason(both), "multiple_credentials");
  FakeExchange two_keys = bed.get("");
  two_keys.field("X-Api-Key", bed.key()).field("X-Api-Key", bed.key());
  EXPECT_EQ(bed.reason(two_keys), "multiple_credentials");
}

// reliability A2.24.
TEST_F(GatewayDecision, RefusesABearerTokenBesideAProof) {
  FakeExchange exchange = bed.get(bearer());
  exchange.field("DPoP", "proof");
  EXPECT_EQ(bed.reason(exchange), "multiple_credentials");
}

// reliability A2.24: a token that is bound to a proof key, shown as a plain one.
TEST_F(GatewayDecision, RefusesAProofBoundTokenShownAsBearer) {
  const std::string token = bearer({.more_confirmations = {{"jkt", "thumbprint", true}}});
  EXPECT_EQ(get(token), "binding_unknown");
  EXPECT_EQ(get(bearer({.client_id = "shop",
                        .bound_to = &shop,
                        .more_confirmations = {{"jkt", "thumbprint", true}}}),
                &shop),
            "binding_unknown");
}

TEST_F(GatewayDecision, NeverTakesATokenFromTheQuery) {
  FakeExchange alone = bed.get("", "/v1/payments?access_token=" + bed.token());
  EXPECT_EQ(bed.reason(alone), "request_malformed");
  FakeExchange beside = bed.get(bearer(), "/v1/payments?limit=1&access_token=x");
  EXPECT_EQ(bed.reason(beside), "request_malformed");
  FakeExchange unlike = bed.get(bearer(), "/v1/payments?my_access_token=x&access_tokens=1");
  EXPECT_EQ(bed.reason(unlike), "");
}

TEST_F(GatewayDecision, ReadsAKeyFromTheConfiguredField) {
  FakeExchange before = bed.get("");
  before.field("X-Api-Key", bed.key());
  EXPECT_EQ(bed.reason(before), "credential_missing");

  GatewayOptions options = GatewayTestbed::default_options();
  options.api_key_field = "X-Api-Key";
  bed.rebuild(options);
  FakeExchange after = bed.get("");
  after.field("x-api-key", bed.key());
  EXPECT_EQ(bed.reason(after), "");
  FakeExchange empty = bed.get("");
  empty.field("X-Api-Key", "");
  EXPECT_EQ(bed.reason(empty), "credential_malformed");
  EXPECT_EQ(get(api_key()), "");  // Authorization is read as before
}

TEST_F(GatewayDecision, AKeyIsNoTokenAndATokenNoKeyAlsoIfSeenBefore) {
  const std::string key = bed.key();
  const std::string token = bed.token();
  EXPECT_EQ(get("ApiKey " + key), "");
  EXPECT_EQ(get("Bearer " + token), "");
  EXPECT_EQ(get("Bearer " + key), "token_malformed");
  EXPECT_EQ(get("ApiKey " + token), "credential_malformed");
}

// API keys.

TEST_F(GatewayDecision, AWrongSecretAndAnUnknownKeyAreOneRefusal) {
  FakeExchange wrong = bed.get("ApiKey " + bed.key());
  // Another MAC at rest: as if the secret were wrong.
  bed.record().keys.back().mac[0] ^= 1;
  bed.load();
  EXPECT_EQ(bed.reason(wrong), "credential_unknown");
  const std::string unknown = bed.key();
  bed.record().keys.pop_back();
  bed.load();
  FakeExchange missing = bed.get("ApiKey " + unknown);
  EXPECT_EQ(bed.reason(missing), "credential_unknown");
  EXPECT_EQ(wrong.status(), missing.status());
}

TEST_F(GatewayDecision, AKeyOfAnUnknownPepperIsRefused) {
  const std::string key = api_key();
  bed.record().keys.back().pepper_version = 9;
  bed.load();
  EXPECT_EQ(get(key), "credential_unknown");
}

TEST_F(GatewayDecision, ARevokedKeyIsRefusedByTheNextRequest) {
  const std::string key = api_key();
  ASSERT_EQ(get(key), "");
  bed.record().keys.back().revoked_at = bed.clock.wall_now();
  bed.load();
  EXPECT_EQ(get(key), "key_revoked");
  EXPECT_EQ(get(key), "key_revoked");
}

TEST_F(GatewayDecision, AKeyHoldsFromNotBeforeUntilExpiry) {
  const WallTime now = bed.clock.wall_now();
  const std::string key =
      api_key({.expires_at = now + seconds(10), .not_before = now + seconds(5)});
  EXPECT_EQ(get(key), "key_expired");
  bed.clock.advance(seconds(5));
  EXPECT_EQ(get(key), "");
  bed.clock.advance(seconds(5) - std::chrono::microseconds(1));
  EXPECT_EQ(get(key), "");
  bed.clock.advance(std::chrono::microseconds(1));
  EXPECT_EQ(get(key), "key_expired");
}

TEST_F(GatewayDecision, AKeyBoundToACertificateNeedsIt) {
  const std::string key = api_key({.bound_to = &other});
  EXPECT_EQ(get(key, &other), "");
  EXPECT_EQ(get(key, &shop), "certificate_mismatch");
  EXPECT_EQ(get(key), "certificate_missing");
}

// Tokens.

// reliability A2.25.
TEST_F(GatewayDecision, ABoundTokenNeedsItsCertificateUnderEveryScheme) {
  const std::string token = bearer({.bound_to = &other});
  EXPECT_EQ(get(token, &other), "");
  EXPECT_EQ(get(token), "certificate_missing");
  EXPECT_EQ(get(token, &shop), "certificate_mismatch");
  GatewayOptions options = GatewayTestbed::default_options();
  options.schemes = {"oauth2_bearer"};
  bed.rebuild(options);
  EXPECT_EQ(get(token, &other), "scheme_not_accepted");
  EXPECT_EQ(get(token), "scheme_not_accepted");
}

TEST_F(GatewayDecision, ATokenIsInvalidFromItsExpiryOnAlsoIfSeenBefore) {
  const std::string token = bearer({.lifetime = seconds(60)});
  ASSERT_EQ(get(token), "");
  bed.clock.advance(seconds(60) - std::chrono::microseconds(1));
  EXPECT_EQ(get(token), "");
  bed.clock.advance(std::chrono::microseconds(1));
  EXPECT_EQ(get(token), "token_expired");
}

TEST_F(GatewayDecision, TellsApartWhatIsWrongWithAToken) {
  const auto sign = [&](auto change) {
    jose::TokenClaims claims = bed.claims_of({});
    change(claims);
    return "Bearer " + jose::TokenWriter(bed.signing_key, "k1").sign(claims).value();
  };
  EXPECT_EQ(get(sign([](auto& claims) { claims.issuer = "https://other.example"; })),
            "token_wrong_issuer");
  EXPECT_EQ(get(sign([](auto& claims) { claims.audiences = {"https://else.example"}; })),
            "token_wrong_audience");
  EXPECT_EQ(get(sign([](auto& claims) { claims.jwt_id.clear(); })), "token_malformed");
  EXPECT_EQ(get(sign([](auto& claims) { claims.not_before = claims.issued_at + hours(1); })),
            "token_not_yet_valid");
  EXPECT_EQ(get(sign([](auto& claims) { claims.client_id = "nobody"; })), "credential_unknown");
  const auto stranger = crypto::PrivateKey::generate(crypto::es256).value();
  const jose::TokenClaims claims = bed.claims_of({});
  EXPECT_EQ(get("Bearer " + jose::TokenWriter(stranger, "k1").sign(claims).value()),
            "token_signature_invalid");
  EXPECT_EQ(get("Bearer " + jose::TokenWriter(stranger, "k2").sign(claims).value()),
            "token_key_unknown");
  EXPECT_EQ(get("Bearer " + jose::TokenWriter(bed.signing_key, "k1", "JWT").sign(claims).value()),
            "token_malformed");
}

TEST_F(GatewayDecision, ATokenOfAnotherSubjectIsNotTakenForOneSeenBefore) {
  const std::string first = bed.token();
  ASSERT_EQ(get("Bearer " + first), "");
  std::string forged = first;
  forged[forged.find('.') + 10] ^= 1;  // the same length, the same signature
  EXPECT_NE(get("Bearer " + forged), "");
}

TEST_F(GatewayDecision, OtherSigningKeysEndWhatWasVerifiedBefore) {
  const std::string token = bearer();
  ASSERT_EQ(get(token), "");
  bed.signing_key = crypto::PrivateKey::generate(crypto::es256).value();
  bed.trust_issuer_key();
  EXPECT_EQ(get(token), "token_signature_invalid");
}

TEST_F(GatewayDecision, WithoutSigningKeysTokensAreNotDecidedAbout) {
  bed.trust.publish(nullptr);
  EXPECT_EQ(get(bearer()), "store_unavailable");
  EXPECT_EQ(get(api_key()), "");
}

// Clients, certificates, networks.

// reliability A2.29.
TEST_F(GatewayDecision, ADisabledClientIsRefusedWithEveryCredential) {
  const std::string key = api_key();
  const std::string token = bearer();
  ASSERT_EQ(get(key), "");
  ASSERT_EQ(get(token), "");
  bed.client("pay").status = store::ClientStatus::disabled;
  bed.load();
  EXPECT_EQ(get(key), "client_disabled");
  EXPECT_EQ(get(token), "client_disabled");
  EXPECT_EQ(get(bearer()), "client_disabled");
}

TEST_F(GatewayDecision, AClientThatRegisteredACertificateNeedsItWithEveryScheme) {
  const std::string key = api_key({.client_id = "shop"});
  const std::string token = bearer({.client_id = "shop"});
  for (const std::string& credential : {key, token}) {
    EXPECT_EQ(get(credential, &shop), "");
    EXPECT_EQ(get(credential, &other), "certificate_not_registered");
    EXPECT_EQ(get(credential), "certificate_missing");
  }
}

TEST_F(GatewayDecision, ACertificateThatExpiredSinceTheHandshakeIsRefused) {
  const WallTime end = shop.certificate().not_after;
  bed.clock.advance(end - bed.clock.wall_now());
  bed.load();
  const std::string token = bearer({.client_id = "shop", .bound_to = &shop});
  EXPECT_EQ(get(token, &shop), "");
  bed.clock.advance(seconds(1));
  EXPECT_EQ(get(token, &shop), "certificate_expired");
}

// reliability A2.62: the address is the connection's, whatever the fields say.
TEST_F(GatewayDecision, ANetworkRuleLooksAtTheConnectionOnly) {
  bed.client("pay").networks = {"10.0.0.0/8"};
  const std::string key = api_key({.networks = {"10.1.0.0/16"}});
  const auto from = [&](std::string_view address) {
    FakeExchange exchange = bed.get(key);
    exchange.from(address)
        .field("X-Forwarded-For", "10.1.2.3")
        .field("Forwarded", "for=10.1.2.3")
        .field("X-Real-IP", "10.1.2.3");
    return bed.reason(exchange);
  };
  EXPECT_EQ(from("10.1.2.3"), "");
  EXPECT_EQ(from("::ffff:10.1.2.3"), "");              // the same address in its other spelling
  EXPECT_EQ(from("10.2.2.3"), "network_not_allowed");  // the client's, not the key's
  EXPECT_EQ(from("192.0.2.1"), "network_not_allowed");
  EXPECT_EQ(from("2001:db8::1"), "network_not_allowed");
}

// Cut-offs.

TEST_F(GatewayDecision, ATokenThatIsCutOffIsRefusedByTheNextRequestAndNoOtherIs) {
  const std::string token = bearer();
  const std::string id = bed.last_token_id;
  const std::string another = bearer();
  ASSERT_EQ(get(token), "");
  bed.cut_off(SubjectKind::token, id, bed.clock.wall_now());
  EXPECT_EQ(get(token), "token_revoked");
  EXPECT_EQ(get(token), "token_revoked");
  EXPECT_EQ(get(another), "");
}

TEST_F(GatewayDecision, ATokenThatIsCutOffIsRefusedAtFirstSight) {
  const std::string token = bearer();
  bed.cut_off(SubjectKind::token, bed.last_token_id, bed.clock.wall_now());
  EXPECT_EQ(get(token), "token_revoked");
}

TEST_F(GatewayDecision, ACutOffTellsApartWhatWasIssuedBeforeAndAfterIt) {
  const std::string before = bearer();
  bed.clock.advance(std::chrono::microseconds(1));  // within the same second
  bed.cut_off(SubjectKind::client, "pay", bed.clock.wall_now());
  const std::string at = bearer();
  bed.clock.advance(std::chrono::microseconds(1));
  const std::string after = bearer();
  EXPECT_EQ(get(before), "token_revoked");
  EXPECT_EQ(get(at), "token_revoked");
  EXPECT_EQ(get(after), "");
}

TEST_F(GatewayDecision, ATokenIdThatContradictsIatIsNotBelieved) {
  jose::TokenClaims claims = bed.claims_of({});
  claims.jwt_id = protocol::TokenId::make(bed.clock.wall_now() + hours(9), bed.entropy).to_string();
  const std::string token =
      "Bearer " + jose::TokenWriter(bed.signing_key, "k1").sign(claims).value();
  bed.cut_off(SubjectKind::client, "pay", bed.clock.wall_now() + seconds(1));
  EXPECT_EQ(get(token), "token_revoked");
}

TEST_F(GatewayDecision, CutOffsReachCredentialsAndCertificates) {
  const std::string granted = bearer({.credential_id = "sec1"});
  const std::string key = api_key();
  const std::string bound = bearer({.bound_to = &other});
  ASSERT_EQ(get(granted), "");
  ASSERT_EQ(get(key), "");
  ASSERT_EQ(get(bound, &other), "");
  bed.cut_off(SubjectKind::credential, "sec1", bed.clock.wall_now());
  EXPECT_EQ(get(granted), "token_revoked");
  bed.cut_off(SubjectKind::credential, bed.last_key_id, bed.clock.wall_now());
  EXPECT_EQ(get(key), "key_revoked");
  bed.cut_off(SubjectKind::certificate, encode_base64url(other.certificate().thumbprint),
              bed.clock.wall_now());
  EXPECT_EQ(get(bound, &other), "certificate_revoked");
  // Also for a credential that is not bound to it.
  EXPECT_EQ(get(bearer(), &other), "certificate_revoked");
}

TEST_F(GatewayDecision, ATokenBoundToACutOffCertificateIsRefusedAlsoFromAnotherConnection) {
  const std::string bound = bearer({.bound_to = &other});
  bed.cut_off(SubjectKind::certificate, encode_base64url(other.certificate().thumbprint),
              bed.clock.wall_now());
  EXPECT_EQ(get(bound, &shop), "certificate_revoked");
}

// Scopes and routes.

// reliability A2.36: what is remembered of a credential does not decide about another request's
// scope.
TEST_F(GatewayDecision, ScopesAreCheckedForEachRequest) {
  const std::string token = bearer({.scope = "payments:read"});
  EXPECT_EQ(get(token), "");
  EXPECT_EQ(post(token), "scope_insufficient");
  EXPECT_EQ(get(token), "");
}

TEST_F(GatewayDecision, ATokenWithoutScopesGetsNowhere) {
  EXPECT_EQ(get(bearer({.scope = ""})), "scope_insufficient");
}

TEST_F(GatewayDecision, AScopeTakenFromTheClientEndsAtOnceAndComesBack) {
  const std::string token = bearer();
  const std::string key = api_key({.scopes = {"payments:write"}});
  ASSERT_EQ(post(token), "");
  ASSERT_EQ(post(key), "");
  bed.client("pay").scopes = {"payments:read"};
  bed.load();
  EXPECT_EQ(post(token), "scope_insufficient");
  EXPECT_EQ(post(key), "scope_insufficient");
  bed.client("pay").scopes = {"payments:read", "payments:write"};
  bed.load();
  EXPECT_EQ(post(token), "");
  EXPECT_EQ(post(key), "");
}

TEST_F(GatewayDecision, ARouteMayAcceptFewerSchemes) {
  const auto bound_route = [&](const std::string& credential, const crypto::VerifiedPeer* peer) {
    FakeExchange exchange = bed.post(credential, "/v1/bound");
    exchange.certificate(peer);
    return bed.reason(exchange);
  };
  EXPECT_EQ(bound_route(bearer({.bound_to = &other}), &other), "");
  EXPECT_EQ(bound_route(bearer(), &other), "scheme_not_accepted");
  EXPECT_EQ(bound_route(api_key(), &other), "scheme_not_accepted");
}

// reliability A2.58: path tricks never reach a route, whatever the credential.
TEST_F(GatewayDecision, RefusesPathsThatAreNotCanonical) {
  for (const char* target :
       {"/v1/payments/../payments/7", "/v1/./payments/7", "/v1//payments/7", "/v1/payments%2f7",
        "/v1/payments%2F7", "/v1/payments/7;a=b", "/v1/payments/%2e%2e/7", "/v1/p%61yments/7",
        "/v1/payments/%00", "/v1\\payments\\7", "/v1/payments/7%3f", "/v1/payments/%c0%ae", "*"}) {
    FakeExchange exchange = bed.get(bearer(), target);
    const std::string reason = bed.reason(exchange);
    EXPECT_TRUE(reason == "path_not_canonical" || reason == "route_unknown")
        << target << " " << reason;
  }
  EXPECT_TRUE(bed.upstream.requests().empty());
}

TEST_F(GatewayDecision, TheQueryIsNoPartOfThePath) {
  FakeExchange exchange = bed.get(bearer(), "/v1/other?/v1/payments/7");
  EXPECT_EQ(bed.reason(exchange), "route_unknown");
}

// reliability A2.63: nothing is let through because it looks like a health check.
TEST_F(GatewayDecision, KnowsNoPathThatNeedsNoCredential) {
  for (const char* target : {"/livez", "/readyz", "/healthz", "/metrics", "/ping", "/"}) {
    FakeExchange exchange = bed.get("", target);
    exchange.field("User-Agent", "GoogleHC/1.0");
    EXPECT_EQ(bed.reason(exchange), "route_unknown") << target;
  }
}

TEST_F(GatewayDecision, NamesTheMethodsOfAPath) {
  FakeExchange exchange("DELETE", "/v1/payments");
  EXPECT_EQ(bed.reason(exchange), "method_not_allowed");
  EXPECT_EQ(exchange.status(), 405);
  EXPECT_EQ(exchange.response_field("Allow"), "GET, HEAD, POST");
}

// Staleness.

TEST_F(GatewayDecision, WithoutNewsOfTheFeedOnlyReadsGoOn) {
  const std::string token = bearer();
  ASSERT_EQ(post(token), "");
  bed.clock.advance(std::chrono::milliseconds(2000));
  EXPECT_EQ(post(token), "");
  bed.clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(post(token), "record_stale");
  EXPECT_EQ(get(token), "");
  bed.registry.heard(bed.executor.now());
  EXPECT_EQ(post(token), "");
}

TEST_F(GatewayDecision, ReadsCanBeMadeToNeedNewsToo) {
  GatewayOptions options = GatewayTestbed::default_options();
  options.refuse_stale_reads = true;
  bed.rebuild(options);
  const std::string token = bearer();
  EXPECT_EQ(get(token), "");
  bed.clock.advance(std::chrono::milliseconds(2001));
  EXPECT_EQ(get(token), "record_stale");
}

TEST(GatewayStart, NothingIsDecidedBeforeTheRegistryWasLoaded) {
  const Registry registry;
  const RegistryView view(registry);
  const auto verdict = check_loaded(view);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().reason, protocol::Reason::record_stale);
}

}  // namespace
}  // namespace countersign::provider
