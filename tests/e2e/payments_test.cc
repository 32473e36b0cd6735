// A backend's plain HTTP call becomes a recorded payment, and stays one whatever dies on the way.

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

TEST_F(WholePath, egress_pays_with_every_scheme_and_reads_back) {
  start_provider();
  start_consumer();
  const auto backend = must(consumer->caller());
  for (const std::string scheme : {"api_key", "oauth2_bearer", "oauth2_certificate"}) {
    const http::SimpleResponse paid =
        must(backend->call(payment("/" + scheme + "/v1/payments", "k1"))).response;
    ASSERT_EQ(paid.status, 201) << scheme << ": " << paid.body;
    EXPECT_EQ(paid.value("Countersign-Outcome"), "answered");
    const std::string id = drill::json_text_member(paid.body, "id");
    const http::SimpleResponse found =
        must(backend->call(request("GET", "/" + scheme + "/v1/payments/" + id))).response;
    EXPECT_EQ(found.status, 200);
    EXPECT_EQ(found.body, paid.body);
    const http::SimpleResponse again =
        must(backend->call(payment("/" + scheme + "/v1/payments", "k1"))).response;
    EXPECT_EQ(again.body, paid.body);
    EXPECT_EQ(again.value("Idempotent-Replayed"), "true");
  }
}

TEST_F(WholePath, egress_drops_credentials_and_identities_that_the_backend_sends) {
  start_provider();
  start_consumer();
  const auto backend = must(consumer->caller());
  http::SimpleRequest made = payment("/api_key/v1/payments", "k1", "Bearer stolen");
  made.fields.emplace_back("Countersign-Client", "shop-bound");
  made.fields.emplace_back("Countersign_Client", "shop-bound");
  ASSERT_EQ(must(backend->call(std::move(made))).response.status, 201);
  // The payment belongs to the client of the credential, not to the one that was claimed.
  EXPECT_NE(must(backend->call(request("GET", "/api_key/v1/payments"))).response.body.find("pay_"),
            std::string::npos);
  EXPECT_EQ(must(backend->call(request("GET", "/oauth2_certificate/v1/payments")))
                .response.body.find("pay_"),
            std::string::npos);
}

TEST_F(WholePath, egress_says_so_when_the_issuer_refuses_and_sends_nothing_without_a_credential) {
  start_provider();
  const std::string settings =
      "issuer = \"" + std::string(drill::provider_url) + "\"\nclient_id = \"nobody\"";
  consumer = must(drill::Consumer::start({.binaries = COUNTERSIGN_BINARIES,
                                          .folder = folder.path(),
                                          .apis = {{"bound", "oauth2_certificate", settings}}},
                                         pki, client, provider->gateway()));
  const auto backend = must(consumer->caller());
  const http::SimpleResponse answer =
      must(backend->call(payment("/bound/v1/payments", "k1"))).response;
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.value("Countersign-Outcome"), "not_sent");
  EXPECT_EQ(drill::json_text_member(answer.body, "source"), "egress") << answer.body;
  EXPECT_EQ(file_text("audit.jsonl").find("\"event\":\"request\""), std::string::npos);
  // Whoever is on call on this side reads why.
  must(consumer->process().wait_for_line(
      [](std::string_view line) { return line.find("invalid_client") != std::string_view::npos; }));
}

TEST_F(WholePath, payment_api_killed_between_request_and_answer_loses_and_doubles_nothing) {
  constexpr int payments = 60;
  constexpr int kills = 8;
  start_provider();
  start_consumer();
  std::atomic<int> finished = 0;
  std::map<std::string, std::set<std::string>>
      ids_by_key;  // what was answered 201, by Idempotency-Key
  std::thread backend_thread([&] {
    const auto backend = must(consumer->caller());
    for (int i = 0; i < payments; ++i) {
      const std::string key = "kill-" + std::to_string(i);
      for (int status = 0; status != 201;) {
        const auto answer = backend->call(payment("/api_key/v1/payments", key));
        if (!answer) continue;
        status = answer->response.status;
        if (status == 201)
          ids_by_key[key].insert(drill::json_text_member(answer->response.body, "id"));
        // Whatever else came says that the payment API was away, never that the call was wrong.
        if (status < 500 && status != 201) throw std::runtime_error(answer->response.body);
      }
      ++finished;
      finished.notify_all();
    }
  });
  for (int kill = 1; kill <= kills; ++kill) {
    for (int seen = finished; seen < kill * payments / (kills + 1); seen = finished)
      finished.wait(seen);
    provider->payment_api_process().kill();
    must(provider->restart_payment_api());
  }
  backend_thread.join();

  std::multiset<std::string> recorded;
  const auto backend = must(consumer->caller());
  std::string target = "/api_key/v1/payments?limit=100";
  const Json page = Json::parse(must(backend->call(request("GET", target))).response.body);
  for (const Json& made : page["payments"]) recorded.insert(*string_member(made, "id"));
  EXPECT_TRUE(page["next_cursor"].is_null());
  EXPECT_EQ(recorded.size(), static_cast<size_t>(payments));
  for (const auto& [key, ids] : ids_by_key) {
    ASSERT_EQ(ids.size(), 1u) << key;
    EXPECT_EQ(recorded.count(*ids.begin()), 1u) << key;
  }
  EXPECT_EQ(ids_by_key.size(), static_cast<size_t>(payments));
}

TEST_F(WholePath, no_secret_is_in_any_output_or_log) {
  start_provider();
  start_consumer();
  const auto backend = must(consumer->caller());
  for (const std::string scheme : {"api_key", "oauth2_bearer", "oauth2_certificate"}) {
    must(backend->call(payment("/" + scheme + "/v1/payments", "k1")));
  }
  const std::string token = fetch_token("shop-bound", client);
  must(ask_gateway(&client, request("GET", "/v1/payments", "Bearer " + token)));
  must(
      ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + file_text("api-key") + "x")));
  EXPECT_EQ(consumer->process().terminate(), 0);
  EXPECT_EQ(provider->gateway_process().terminate(), 0);
  const std::string all = consumer->process().output() + provider->gateway_process().output() +
                          provider->payment_api_process().output() + file_text("audit.jsonl");
  EXPECT_NE(all.find("request_head"), std::string::npos);
  EXPECT_NE(all.find("\"event\":\"token\""), std::string::npos);
  for (const std::string& secret :
       {file_text("api-key"), client_secret, token, file_text("pepper")}) {
    ASSERT_GT(secret.size(), 20u);
    const std::string part =
        secret.substr(secret.size() - 16, 12);  // also of a secret that was cut short
    EXPECT_EQ(all.find(part), std::string::npos);
  }
}

}  // namespace
}  // namespace countersign::e2e
