// A whole issuer in memory, for its tests: registry, peppers, audit log, signing key.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "http/credentials.h"
#include "http/form.h"
#include "jose/jwt.h"
#include "protocol/api_key.h"
#include "protocol/oauth_error.h"
#include "protocol/token_messages.h"
#include "provider/audit/memory_audit_sink.h"
#include "provider/gateway/gateway_testbed.h"
#include "provider/issuer/issuer.h"
#include "support/fake_exchange.h"

namespace countersign::testing {

using store::ClientAuthMethod;

inline std::string thumbprint_of(const crypto::VerifiedPeer& peer) {
  return encode_base64url(peer.certificate().thumbprint);
}

class IssuerTestbed {
 public:
  IssuerTestbed() {
    add_client("shop", ClientAuthMethod::client_secret_basic);
    shop_secret = add_secret("shop");
    load();
    rebuild(default_options());
  }

  provider::IssuerOptions default_options() const {
    provider::IssuerOptions options;
    options.issuer = "https://issuer.example";
    options.audience = "https://api.example";
    options.environment = "test";
    options.signing_keys = {signing_key};
    return options;
  }
  void rebuild(provider::IssuerOptions options) {
    issuer = provider::Issuer::create(std::move(options), parts()).value();
  }
  provider::IssuerParts parts() { return {view, peppers, audit, clock, entropy}; }

  // The record. load() puts it in force; the feed was then just heard.
  store::ClientRecord& add_client(std::string id, ClientAuthMethod method) {
    store::ClientRecord client;
    client.client_id = std::move(id);
    client.auth_method = method;
    client.scopes = {"payments:read", "payments:write"};
    record.contents.clients.push_back(std::move(client));
    return record.contents.clients.back();
  }
  store::ClientRecord& client(std::string_view id) {
    for (store::ClientRecord& each : record.contents.clients) {
      if (each.client_id == id) return each;
    }
    panic("no such client in the test's record");
  }
  store::SecretRecord& last_secret() { return record.contents.secrets.back(); }
  // Registers a secret and gives its text.
  std::string add_secret(std::string client_id, std::string_view environment = "test") {
    const auto made =
        protocol::ApiKey::generate(environment, entropy, protocol::KeyKind::client_secret).value();
    std::string text(made.text.unsafe_reveal_text());
    const auto mac =
        protocol::mac_of(protocol::parse_client_secret(text).value(), peppers.newest());
    store::SecretRecord secret;
    secret.secret_id = made.id;
    secret.client_id = std::move(client_id);
    secret.mac = Bytes(mac.begin(), mac.end());
    secret.pepper_version = peppers.newest().version();
    secret.created_at = clock.wall_now();
    record.contents.secrets.push_back(std::move(secret));
    return text;
  }
  void load() {
    ++record.contents.seq;
    if (!registry.reload(record)) panic("the test's record cannot be loaded");
    registry.heard(executor.now());
  }
  void cut_off(store::SubjectKind kind, std::string subject, WallTime at) {
    record.contents.cut_offs.push_back({.kind = kind,
                                        .subject = std::move(subject),
                                        .issued_at_or_before = at,
                                        .reason = "test",
                                        .created_at = at,
                                        .expires_at = {}});
    load();
  }

  // Requests.
  static FakeExchange request(std::string_view body) {
    FakeExchange exchange("POST", "/oauth2/token");
    exchange.field("Host", "issuer.example")
        .field("Content-Type", http::form_content_type)
        .from("10.1.2.3")
        .body(body);
    return exchange;
  }
  // A plain request of this client with its secret in the Authorization field.
  static FakeExchange basic(std::string_view client_id, std::string_view secret,
                            std::string_view more = {}) {
    FakeExchange exchange = request("grant_type=client_credentials" + std::string(more));
    exchange.field(
        "Authorization",
        http::basic_credentials(client_id, Secret::copy_of(secret)).unsafe_reveal_text());
    return exchange;
  }
  FakeExchange good(std::string_view more = {}) const { return basic("shop", shop_secret, more); }

  void serve(FakeExchange& exchange) {
    executor.spawn(issuer->serve(exchange));
    executor.run();
  }
  // "" if a token was granted, else "<OAuth error>/<reason>" as the client sees it.
  std::string outcome(FakeExchange& exchange) {
    serve(exchange);
    if (exchange.status() == 200) return "";
    const auto refused = protocol::parse_oauth_error_response(exchange.answer());
    return refused ? refused->code + "/" + refused->reason : "no OAuth error";
  }
  std::string outcome(FakeExchange&& exchange) { return outcome(exchange); }

  // The token of a granted answer, verified with what the JWKS shows.
  Result<jose::VerifiedToken> token(const FakeExchange& exchange) {
    CS_TRY(const auto response, protocol::parse_token_response(exchange.answer()));
    CS_TRY(const auto keys, jose::JwkSet::parse(issuer->keys().to_json()));
    jose::JwtRules rules;
    rules.issuer = "https://issuer.example";
    rules.audience = "https://api.example";
    rules.typ = jose::access_token_typ;
    return jose::verify_token(response.access_token.unsafe_reveal_text(), keys, rules,
                              clock.wall_now());
  }
  jose::VerifiedToken grant(FakeExchange&& exchange) {
    const std::string refused = outcome(exchange);
    if (!refused.empty()) panic(refused);
    return token(exchange).value();
  }

  FakeClock clock;
  TestExecutor executor{clock};
  FakeEntropy entropy;
  FixedRecord record;
  MemoryAuditSink::File audit_file;
  provider::AuditLog audit{{}, std::make_unique<MemoryAuditSink>(audit_file), clock, executor};
  provider::Registry registry;
  provider::RegistryView view{registry};
  crypto::PrivateKey signing_key = crypto::PrivateKey::generate(crypto::es256).value();
  protocol::Peppers peppers{
      protocol::Pepper::create(1, Secret::copy_of("0123456789abcdef0123456789abcdef")).value()};
  std::unique_ptr<provider::Issuer> issuer;
  std::string shop_secret;
};

}  // namespace countersign::testing
