// What the end-to-end tests stand on: a provider with registered clients and a consumer's egress,
// as real processes.

#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "core/json.h"
#include "core/temporary_folder.h"
#include "drill/installation.h"
#include "drill/observer.h"

namespace countersign::e2e {

inline constexpr std::string_view client_name = "shop.consumer.example";
inline constexpr std::string_view order =
    R"({"amount": 129900, "currency": "EUR",
    "debtor": {"name": "Hanse Logistik GmbH", "iban": "DE89370400440532013000"},
    "creditor": {"name": "Waterweg Supplies B.V.", "iban": "NL91ABNA0417164300"}, "reference": "Invoice 1"})";

// The value, or a failed test with the error's text.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().for_log());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

class WholePath : public ::testing::Test {
 protected:
  WholePath()
      : pki(must(drill::ThrowawayPki::create(folder.path(), clock, entropy))),
        client(must(pki.make_client(client_name))) {}

  void start_provider(drill::ProviderOptions options = {}) {
    options.binaries = COUNTERSIGN_BINARIES;
    options.folder = folder.path();
    provider = must(drill::Provider::start(std::move(options), pki));
  }
  void add_client(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"client",  "add",           "--name",  "Shop",
                                          "--scope", "payments:read", "--scope", "payments:write"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    last_answer = must(provider->operate(std::move(arguments)));
  }
  // A key of client "shop-key", which add_key_client() registers. Its id is in `key_id`.
  std::string issue_key(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"key", "issue", "--client", "shop-key"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string issued = must(provider->operate(std::move(arguments)));
    key_id = drill::json_text_member(issued, "key_id");
    return drill::json_text_member(issued, "api_key");
  }
  void add_key_client() { add_client({"--id", "shop-key"}); }

  // Registers one client a scheme and starts an egress with an API for each, named as its scheme.
  void start_consumer(drill::ConsumerOptions options = {}) {
    add_key_client();
    must(drill::write_private_file(folder / "api-key",
                                   issue_key({"--certificate", client.certificate.string()})));
    add_client({"--id", "shop-bearer", "--auth", "client_secret_basic"});
    client_secret = drill::json_text_member(last_answer, "client_secret");
    must(drill::write_private_file(folder / "client-secret", client_secret));
    add_client({"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns",
                std::string(client_name), "--certificate-bound-tokens"});
    const std::string issuer = "issuer = \"" + std::string(drill::provider_url) + "\"\n";
    options.binaries = COUNTERSIGN_BINARIES;
    options.folder = folder.path();
    options.apis = {
        {"api_key", "api_key", "key_file = \"api-key\""},
        {"oauth2_bearer", "oauth2_bearer",
         issuer + "client_id = \"shop-bearer\"\nclient_secret_file = \"client-secret\""},
        {"oauth2_certificate", "oauth2_certificate", issuer + "client_id = \"shop-bound\""}};
    consumer = must(drill::Consumer::start(std::move(options), pki, client, provider->gateway()));
  }

  static http::SimpleRequest request(std::string_view method, std::string_view target,
                                     std::string_view authorization = "") {
    http::SimpleRequest made;
    made.method = method;
    made.target = target;
    if (!authorization.empty()) made.fields.emplace_back("Authorization", authorization);
    return made;
  }
  static http::SimpleRequest payment(std::string_view target, std::string_view key,
                                     std::string_view authorization = "") {
    http::SimpleRequest made = request("POST", target, authorization);
    made.fields.emplace_back("Content-Type", "application/json");
    made.fields.emplace_back("Idempotency-Key", key);
    made.body = order;
    return made;
  }
  // Straight to the gateway over TLS as `identity`.
  Result<http::SimpleResponse> ask_gateway(const drill::Identity* identity,
                                           http::SimpleRequest made) {
    CS_TRY(const auto caller, provider->caller(pki, identity));
    CS_TRY(drill::Answer answer, caller->call(std::move(made)));
    return std::move(answer.response);
  }
  std::string fetch_token(std::string_view client_id, const drill::Identity& identity) {
    http::SimpleRequest made = request("POST", "/oauth2/token");
    made.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    made.body = "grant_type=client_credentials&client_id=" + std::string(client_id);
    const http::SimpleResponse answer = must(ask_gateway(&identity, std::move(made)));
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::string token = drill::json_text_member(answer.body, "access_token");
    if (drill::Observer* hears = drill::observer()) hears->obtained(token);
    return token;
  }
  std::string file_text(std::string_view name) const {
    std::ifstream file(folder / name, std::ios::binary);
    return {(std::istreambuf_iterator<char>(file)), {}};
  }

  SystemClock clock;
  SystemEntropy entropy;
  TemporaryFolder folder;
  drill::ThrowawayPki pki;
  drill::Identity client;
  std::unique_ptr<drill::Provider> provider;
  std::unique_ptr<drill::Consumer> consumer;
  std::string last_answer;
  std::string key_id;
  std::string client_secret;
};

inline void expect_refused(const Result<http::SimpleResponse>& answer, int status,
                           std::string_view reason) {
  ASSERT_TRUE(answer) << answer.error().for_log();
  EXPECT_EQ(answer->status, status) << answer->body;
  EXPECT_EQ(answer->value("Countersign-Reason"), reason) << answer->body;
  EXPECT_EQ(answer->value("Countersign-Decision-Id").size(), 26u);
  EXPECT_EQ(answer->value("Content-Type"), "application/problem+json");
}

}  // namespace countersign::e2e
