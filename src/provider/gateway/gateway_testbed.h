// A whole gateway in memory, for its tests: registry, issuer's key, two client certificates, audit
// log, upstream. Two clients are registered: "shop", which owns the certificate `shop`, and "pay",
// which has registered none.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/secret.h"
#include "crypto/certificate_authority.h"
#include "crypto/trust_store.h"
#include "crypto/verified_peer.h"
#include "jose/jwt.h"
#include "protocol/api_key.h"
#include "protocol/confirmation.h"
#include "protocol/token_id.h"
#include "provider/audit/memory_audit_sink.h"
#include "provider/gateway/gateway_service.h"
#include "provider/registry/registry.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_exchange.h"
#include "support/test_executor.h"

namespace countersign::testing {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Only load_all() is ever asked for.
class FixedRecord final : public store::RegistryStore {
 public:
  store::RegistryContents contents;

  Result<store::RegistryContents> load_all() override { return contents; }
  Result<int64_t> add_client(const store::ClientRecord&) override { return unused(); }
  Result<std::optional<store::ClientRecord>> find_client(std::string_view) override {
    return unused();
  }
  Result<std::vector<store::ClientRecord>> list_clients() override { return unused(); }
  Result<int64_t> add_key(const store::KeyRecord&) override { return unused(); }
  Result<std::optional<store::KeyRecord>> find_key(std::string_view) override { return unused(); }
  Result<std::vector<store::KeyRecord>> list_keys(std::string_view) override { return unused(); }
  Result<int64_t> add_secret(const store::SecretRecord&) override { return unused(); }
  Result<std::optional<store::SecretRecord>> find_secret(std::string_view) override {
    return unused();
  }
  Result<std::vector<store::SecretRecord>> list_secrets(std::string_view) override {
    return unused();
  }
  Result<int64_t> revoke(const store::Revocation&) override { return unused(); }
  Result<std::optional<store::CutOffRecord>> find_cut_off(store::SubjectKind,
                                                          std::string_view) override {
    return unused();
  }
  Result<int64_t> purge_expired_cut_offs(WallTime) override { return unused(); }
  Result<store::FeedBatch> changes_since(int64_t, size_t) override { return unused(); }
  Result<int64_t> trim_feed(std::chrono::microseconds, size_t) override { return unused(); }
  Result<void> record_node(const store::NodeRecord&) override { return unused(); }
  Result<void> remove_node(std::string_view, std::string_view) override { return unused(); }
  Result<std::vector<store::NodeRecord>> live_nodes(std::chrono::microseconds) override {
    return unused();
  }

 private:
  static std::unexpected<Error> unused() { return fail(ErrorKind::internal, "test.unused", ""); }
};

// Certificates take a moment to make: once for the whole program.
struct TestCertificates {
  crypto::VerifiedPeer shop;
  crypto::VerifiedPeer other;  // of the same authority, registered for nobody

  static const TestCertificates& get() {
    static const TestCertificates made = make();
    return made;
  }

 private:
  static TestCertificates make() {
    FakeEntropy entropy;
    const WallTime now = FakeClock().wall_now();
    crypto::AuthorityOptions options;
    options.name = "Test CA";
    options.not_before = now - hours(1);
    options.not_after = now + hours(1000);
    const auto authority = crypto::CertificateAuthority::create(options, entropy).value();
    const auto trust = crypto::TrustStore::from_pem(authority.certificate_pem()).value();
    const auto peer = [&](std::string name) {
      crypto::CertificateSpec spec;
      spec.common_name = std::move(name);
      spec.dns_names = {spec.common_name + ".example"};
      spec.purposes = {crypto::CertificatePurpose::client_auth};
      spec.not_before = now - hours(1);
      spec.not_after = now + hours(24);
      const auto issued = authority.issue(spec, entropy).value();
      const auto leaf = crypto::parse_certificate_pem(issued.certificate_pem).value();
      return crypto::verify_chain(leaf, {}, trust, crypto::PeerRules::client(), now).value();
    };
    return {peer("shop"), peer("other")};
  }
};

struct TokenSpec {
  std::string client_id = "pay";
  std::string scope = "payments:read payments:write";
  const crypto::VerifiedPeer* bound_to = nullptr;
  std::string credential_id = {};
  seconds lifetime{300};
  std::vector<jose::Confirmation> more_confirmations = {};
};

struct KeySpec {
  std::string client_id = "pay";
  std::vector<std::string> scopes = {};
  const crypto::VerifiedPeer* bound_to = nullptr;
  std::vector<std::string> networks = {};
  std::optional<WallTime> expires_at = {};
  WallTime not_before{};
};

class GatewayTestbed {
 public:
  explicit GatewayTestbed(provider::GatewayOptions options = default_options()) {
    add_client("shop", &TestCertificates::get().shop);
    add_client("pay", nullptr);
    trust_issuer_key();
    load();
    rebuild(std::move(options));
    upstream.otherwise([](const FakeRequest&) {
      return FakeAnswer{
          .status = 200, .fields = {{"Content-Type", "application/json"}}, .body = "{}"};
    });
  }

  static provider::GatewayOptions default_options() {
    provider::GatewayOptions options;
    options.routes = {
        {.methods = {"GET"},
         .path = "/v1/payments/{id}",
         .scopes = {"payments:read"},
         .schemes = {}},
        {.methods = {"GET", "HEAD"},
         .path = "/v1/payments",
         .scopes = {"payments:read"},
         .schemes = {}},
        {.methods = {"POST"}, .path = "/v1/payments", .scopes = {"payments:write"}, .schemes = {}},
        {.methods = {"POST"},
         .path = "/v1/bound",
         .scopes = {"payments:write"},
         .schemes = {"oauth2_certificate"}},
    };
    return options;
  }

  // A gateway with these options; what was verified before is forgotten.
  void rebuild(provider::GatewayOptions options) {
    gateway_.reset();
    policy_.emplace(provider::GatewayPolicy::create(std::move(options)).value());
    gateway_ = std::make_unique<provider::GatewayService>(
        *policy_,
        provider::GatewayParts{view, trust, peppers, upstream, audit, clock, executor, entropy});
  }

  provider::GatewayService& gateway() { return *gateway_; }

  // The record. load() puts it in force; the feed was then just heard.
  store::RegistryContents& record() { return record_.contents; }
  store::ClientRecord& client(std::string_view id) {
    for (store::ClientRecord& each : record().clients) {
      if (each.client_id == id) return each;
    }
    panic("no such client in the test's record");
  }
  void load() {
    ++record().seq;
    if (!registry.reload(record_)) panic("the test's record cannot be loaded");
    registry.heard(executor.now());
  }
  void cut_off(store::SubjectKind kind, std::string subject, WallTime at) {
    record().cut_offs.push_back({.kind = kind,
                                 .subject = std::move(subject),
                                 .issued_at_or_before = at,
                                 .reason = "test",
                                 .created_at = at,
                                 .expires_at = {}});
    load();
  }

  std::string token(const TokenSpec& spec = {}) {
    jose::TokenClaims claims = claims_of(spec);
    return jose::TokenWriter(signing_key, "k1").sign(claims).value();
  }
  jose::TokenClaims claims_of(const TokenSpec& spec) {
    const WallTime now = clock.wall_now();
    jose::TokenClaims claims;
    claims.issuer = "https://issuer.example";
    claims.subject = claims.client_id = spec.client_id;
    claims.audiences = {"https://api.example"};
    claims.scope = spec.scope;
    claims.jwt_id = protocol::TokenId::make(now, entropy).to_string();
    claims.issued_at = now;
    claims.expires_at = now + spec.lifetime;
    if (spec.bound_to != nullptr) {
      claims.confirmations.push_back(
          protocol::certificate_confirmation(spec.bound_to->certificate().thumbprint));
    }
    for (const auto& more : spec.more_confirmations) claims.confirmations.push_back(more);
    if (!spec.credential_id.empty()) claims.extra.emplace_back("credential_id", spec.credential_id);
    last_token_id = claims.jwt_id;
    return claims;
  }

  // Registers a key and gives its text.
  std::string key(const KeySpec& spec = {}) {
    const auto made = protocol::ApiKey::generate("test", entropy).value();
    std::string text(made.text.unsafe_reveal_text());
    const auto parsed = protocol::parse_api_key(text).value();
    const auto mac = protocol::mac_of(parsed, peppers.newest());
    store::KeyRecord record_of_key;
    record_of_key.key_id = last_key_id = made.id;
    record_of_key.client_id = spec.client_id;
    record_of_key.mac = Bytes(mac.begin(), mac.end());
    record_of_key.pepper_version = peppers.newest().version();
    record_of_key.scopes = spec.scopes;
    record_of_key.networks = spec.networks;
    record_of_key.created_at = clock.wall_now();
    record_of_key.not_before = spec.not_before;
    record_of_key.expires_at = spec.expires_at;
    if (spec.bound_to != nullptr) {
      record_of_key.certificate_thumbprint =
          encode_base64url(spec.bound_to->certificate().thumbprint);
    }
    record().keys.push_back(std::move(record_of_key));
    load();
    return text;
  }

  // Serves a request and gives the exchange to look at.
  FakeExchange& serve(FakeExchange& exchange) {
    executor.spawn(gateway_->serve(exchange));
    executor.run();
    return exchange;
  }
  // The reason of the refusal, or "" if it was allowed and the upstream's answer came.
  std::string reason(FakeExchange& exchange) {
    serve(exchange);
    return exchange.response_field("Countersign-Reason").value_or("");
  }
  FakeExchange get(std::string_view authorization, std::string_view target = "/v1/payments/7") {
    FakeExchange exchange("GET", target);
    exchange.field("Host", "api.example").from("10.1.2.3");
    if (!authorization.empty()) exchange.field("Authorization", authorization);
    return exchange;
  }
  FakeExchange post(std::string_view authorization, std::string_view target = "/v1/payments") {
    FakeExchange exchange("POST", target);
    exchange.field("Host", "api.example").from("10.1.2.3").body("{\"amount\":1}");
    if (!authorization.empty()) exchange.field("Authorization", authorization);
    return exchange;
  }

  void trust_issuer_key() {
    auto next = std::make_shared<provider::TokenTrust>();
    if (!next->keys.add({signing_key.public_key(), "k1"})) panic("the test's key is not usable");
    next->rules.issuer = "https://issuer.example";
    next->rules.audience = "https://api.example";
    next->rules.typ = std::string(jose::access_token_typ);
    trust.publish(std::move(next));
  }

  FakeClock clock;
  TestExecutor executor{clock};
  FakeEntropy entropy;
  MemoryAuditSink::File audit_file;
  provider::AuditLog audit{{}, std::make_unique<MemoryAuditSink>(audit_file), clock, executor};
  provider::Registry registry;
  provider::RegistryView view{registry};
  crypto::PrivateKey signing_key = crypto::PrivateKey::generate(crypto::es256).value();
  Published<provider::TokenTrust> trust;
  protocol::Peppers peppers{
      protocol::Pepper::create(1, Secret::copy_of("0123456789abcdef0123456789abcdef")).value()};
  FakeClient upstream{executor};
  std::string last_token_id;
  std::string last_key_id;

 private:
  void add_client(std::string id, const crypto::VerifiedPeer* certificate) {
    store::ClientRecord client;
    client.client_id = std::move(id);
    client.scopes = {"payments:read", "payments:write"};
    if (certificate != nullptr) {
      client.certificates.thumbprints = {encode_base64url(certificate->certificate().thumbprint)};
    }
    record().clients.push_back(std::move(client));
  }

  FixedRecord record_;
  std::optional<provider::GatewayPolicy> policy_;
  std::unique_ptr<provider::GatewayService> gateway_;
};

}  // namespace countersign::testing
