// What the gateway must refuse, over real TLS, each with its reason and a decision id that the
// audit log knows.

#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

TEST_F(WholePath, gateway_refuses_each_wrong_credential_with_its_reason) {
  start_provider();
  add_key_client();
  const std::string bound = issue_key({"--certificate", client.certificate.string()});
  const std::string reading = issue_key({"--scope", "payments:read"});
  const std::string elsewhere = issue_key({"--network", "10.20.0.0/16"});
  const drill::Identity other = must(pki.make_client("other.consumer.example"));
  const auto get = [](std::string_view authorization) {
    return request("GET", "/v1/payments", authorization);
  };

  EXPECT_EQ(must(ask_gateway(&client, get("ApiKey " + bound))).status, 200);
  expect_refused(ask_gateway(&client, get("")), 401, "credential_missing");
  expect_refused(ask_gateway(&other, get("ApiKey " + bound)), 401, "certificate_mismatch");
  expect_refused(ask_gateway(&client, get("ApiKey " + elsewhere)), 403, "network_not_allowed");
  EXPECT_EQ(must(ask_gateway(&client, get("ApiKey " + reading))).status, 200);
  expect_refused(ask_gateway(&client, payment("/v1/payments", "k", "ApiKey " + reading)), 403,
                 "scope_insufficient");
  std::string typo = bound;
  typo.back() = typo.back() == 'A' ? 'B' : 'A';
  expect_refused(ask_gateway(&client, get("ApiKey " + typo)), 401, "credential_malformed");
  expect_refused(ask_gateway(&client, get("Bearer no.such.token")), 401, "token_malformed");
  http::SimpleRequest twice = get("ApiKey " + bound);
  twice.fields.emplace_back("Authorization", "ApiKey " + bound);
  expect_refused(ask_gateway(&client, std::move(twice)), 400, "multiple_credentials");
  expect_refused(ask_gateway(&client, request("GET", "/v1/unknown", "ApiKey " + bound)), 404,
                 "route_unknown");
  expect_refused(ask_gateway(&client, request("DELETE", "/v1/payments", "ApiKey " + bound)), 405,
                 "method_not_allowed");
  expect_refused(ask_gateway(&client, request("GET", "/v1/../v1/payments", "ApiKey " + bound)), 400,
                 "path_not_canonical");
}

TEST_F(WholePath, gateway_refuses_a_key_the_moment_its_revocation_is_confirmed) {
  start_provider({.threads = 2});
  add_key_client();
  const std::string key = issue_key();
  const auto caller = must(provider->caller(pki, &client));
  for (int round = 0; round < 5; ++round) {
    const std::string round_key = issue_key();
    const std::string round_key_id = key_id;
    ASSERT_EQ(
        must(caller->call(request("GET", "/v1/payments", "ApiKey " + round_key))).response.status,
        200);
    const std::string receipt =
        must(provider->operate({"key", "revoke", round_key_id, "--reason", "test"}));
    EXPECT_NE(receipt.find("\"confirmed_by\": [\""), std::string::npos) << receipt;
    // On the connection that was open before, and on a new one.
    EXPECT_EQ(must(caller->call(request("GET", "/v1/payments", "ApiKey " + round_key)))
                  .response.value("Countersign-Reason"),
              "key_revoked");
    expect_refused(ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + round_key)), 401,
                   "key_revoked");
  }
  EXPECT_EQ(must(caller->call(request("GET", "/v1/payments", "ApiKey " + key))).response.status,
            200);
}

TEST_F(WholePath, gateway_refuses_a_granted_token_once_it_or_its_client_is_revoked) {
  start_provider();
  add_client({"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns",
              std::string(client_name), "--certificate-bound-tokens"});
  const std::string first = fetch_token("shop-bound", client);
  const std::string second = fetch_token("shop-bound", client);
  const auto use = [&](const std::string& token) {
    return ask_gateway(&client, request("GET", "/v1/payments", "Bearer " + token));
  };
  ASSERT_EQ(must(use(first)).status, 200);
  ASSERT_EQ(must(use(second)).status, 200);
  must(provider->operate({"token", "revoke", "--token-file", "-", "--reason", "test"}, first));
  expect_refused(use(first), 401, "token_revoked");
  EXPECT_EQ(must(use(second)).status, 200);
  must(provider->operate({"client", "disable", "shop-bound", "--reason", "test"}));
  expect_refused(use(second), 403, "client_disabled");
}

TEST_F(WholePath, gateway_refuses_a_bound_token_from_another_certificate_and_as_a_bare_bearer) {
  start_provider();
  add_client({"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns",
              std::string(client_name), "--certificate-bound-tokens"});
  const std::string token = fetch_token("shop-bound", client);
  const drill::Identity other = must(pki.make_client("other.consumer.example"));
  expect_refused(ask_gateway(&other, request("GET", "/v1/payments", "Bearer " + token)), 401,
                 "certificate_mismatch");
}

TEST_F(WholePath, issuer_gives_no_token_to_another_certificate_or_a_wrong_secret) {
  start_provider();
  add_client(
      {"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns", std::string(client_name)});
  add_client({"--id", "shop-bearer", "--auth", "client_secret_basic"});
  const drill::Identity other = must(pki.make_client("other.consumer.example"));
  http::SimpleRequest by_certificate = request("POST", "/oauth2/token");
  by_certificate.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  by_certificate.body = "grant_type=client_credentials&client_id=shop-bound";
  const http::SimpleResponse foreign = must(ask_gateway(&other, by_certificate));
  EXPECT_EQ(foreign.status, 401);
  EXPECT_EQ(drill::json_text_member(foreign.body, "error"), "invalid_client");
  http::SimpleRequest by_secret =
      request("POST", "/oauth2/token", "Basic c2hvcC1iZWFyZXI6d3Jvbmc=");
  by_secret.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  by_secret.body = "grant_type=client_credentials";
  EXPECT_EQ(must(ask_gateway(&client, by_secret)).status, 401);
}

TEST_F(WholePath, gateway_shakes_hands_only_with_certificates_of_its_consumers_ca) {
  start_provider();
  const drill::Identity stranger = must(pki.make_stranger(client_name));
  const auto spec = [&](auto change) {
    crypto::CertificateSpec made;
    made.common_name = client_name;
    made.dns_names = {std::string(client_name)};
    made.purposes = {crypto::CertificatePurpose::client_auth};
    made.not_before = clock.wall_now() - std::chrono::hours(1);
    made.not_after = clock.wall_now() + std::chrono::hours(1);
    change(made);
    return must(pki.make(pki.consumer_authority(), made, "odd"));
  };
  const drill::Identity expired =
      spec([&](auto& s) { s.not_after = clock.wall_now() - std::chrono::minutes(1); });
  EXPECT_FALSE(ask_gateway(&expired, request("GET", "/v1/payments")));
  const drill::Identity as_server =
      spec([](auto& s) { s.purposes = {crypto::CertificatePurpose::server_auth}; });
  EXPECT_FALSE(ask_gateway(&as_server, request("GET", "/v1/payments")));
  const drill::Identity as_ca = spec([](auto& s) { s.unsafe_flaws.ca_true = true; });
  EXPECT_FALSE(ask_gateway(&as_ca, request("GET", "/v1/payments")));
  EXPECT_FALSE(ask_gateway(&stranger, request("GET", "/v1/payments")));
  EXPECT_FALSE(ask_gateway(nullptr, request("GET", "/v1/payments")));
  expect_refused(ask_gateway(&client, request("GET", "/v1/payments")), 401, "credential_missing");
}

TEST_F(WholePath, audit_log_knows_the_decision_that_the_consumer_was_told) {
  start_provider();
  add_key_client();
  const std::string key = issue_key({"--network", "10.0.0.0/8"});
  const http::SimpleResponse refused =
      must(ask_gateway(&client, request("GET", "/v1/payments?limit=2", "ApiKey " + key)));
  const std::string decision(refused.value("Countersign-Decision-Id"));
  ASSERT_EQ(decision.size(), 26u);
  // A denial is in the file before its answer leaves.
  const std::string log = file_text("audit.jsonl");
  const size_t at = log.find(decision);
  ASSERT_NE(at, std::string::npos) << log;
  const size_t start = log.rfind('\n', at) + 1;
  const Json line = Json::parse(log.substr(start, log.find('\n', at) - start));
  EXPECT_EQ(*string_member(line, "reason"), "network_not_allowed");
  EXPECT_EQ(*string_member(line, "client"), "shop-key");
  EXPECT_EQ(*string_member(line, "outcome"), "deny");
}

TEST_F(WholePath, gateway_whose_audit_log_cannot_be_written_allows_nothing) {
  start_provider({.extra_toml = ""});
  add_key_client();
  const std::string key = issue_key();
  provider->gateway_process().terminate();
  const auto run = provider->run(
      {"gateway", "--config", provider->config().string(), "--set", "audit.path=/dev/full"});
  // It does not even start: a log that cannot be written is found before the first request.
  ASSERT_TRUE(run);
  EXPECT_NE(run->exit_code, 0);
  EXPECT_NE(run->errors.find("audit"), std::string::npos) << run->errors;
}

}  // namespace
}  // namespace countersign::e2e
