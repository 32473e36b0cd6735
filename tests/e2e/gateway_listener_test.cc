// The gateway's listener with clients that are not ours, and what becomes of a connection whose
// client is limited or revoked.

#include <filesystem>
#include <thread>

#include "e2e/whole_path.h"
#include "support/silent_server.h"

namespace countersign::e2e {
namespace {

class GatewayListener : public WholePath {
 protected:
  // A program of Debian's, or "" where it is not installed.
  static std::string program(std::string_view name) {
    const std::filesystem::path path = std::filesystem::path("/usr/bin") / name;
    return std::filesystem::exists(path) ? path.string() : std::string();
  }
  drill::Finished run(std::vector<std::string> argv) {
    return must(drill::run_command({.argv = std::move(argv)}));
  }
  std::string url(std::string_view path) const {
    return "https://" + provider->gateway().to_string() + std::string(path);
  }
};

TEST_F(GatewayListener, gateway_agrees_on_http2_with_curl_and_speaks_http1_with_who_asks_for_it) {
  start_provider();
  add_key_client();
  const std::string key = issue_key();
  const std::string connect = "payments.provider.example:443:" + provider->gateway().to_string();
  const auto curl = [&](std::string_view version) {
    return run({program("curl"), "--silent", std::string(version), "--output", "/dev/null",
                "--write-out", "%{http_version} %{http_code}", "--cacert",
                pki.provider_ca().string(), "--cert", client.certificate.string(), "--key",
                client.private_key.string(), "--connect-to", connect, "--header",
                "Authorization: ApiKey " + key, "https://payments.provider.example/v1/payments"})
        .output;
  };
  EXPECT_EQ(curl("--http2"), "2 200");
  EXPECT_EQ(curl("--http1.1"), "1.1 200");
}

TEST_F(GatewayListener, gateway_answers_nghttp) {
  const std::string nghttp = program("nghttp");
  if (nghttp.empty()) GTEST_SKIP() << "nghttp is not installed";
  start_provider();
  add_key_client();
  const std::string key = issue_key();
  const std::vector<std::string> common = {nghttp, "--null-out",
                                           "--cert=" + client.certificate.string(),
                                           "--key=" + client.private_key.string()};
  // Not --verbose: that prints the key.
  std::vector<std::string> right = common;
  right.insert(right.end(), {"--stat", "--header=authorization: ApiKey " + key, url("/v1/payments"),
                             url("/v1/payments?limit=1"), url("/v1/none")});
  const drill::Finished answered = run(std::move(right));
  EXPECT_NE(answered.output.find(" 200 "), std::string::npos) << answered.output;
  EXPECT_NE(answered.output.find(" 404 "), std::string::npos) << answered.output;
  std::vector<std::string> wrong = common;
  wrong.insert(wrong.end(), {"--verbose", url("/v1/payments")});
  const drill::Finished refused = run(std::move(wrong));
  EXPECT_NE(refused.output.find(":status: 401"), std::string::npos) << refused.output;
  EXPECT_NE(refused.output.find("countersign-decision-id: "), std::string::npos);
}

// h2load shows no client certificate: the egress's listener is where it can be used.
TEST_F(GatewayListener, many_streams_of_h2load_pass_egress_and_gateway) {
  const std::string h2load = program("h2load");
  if (h2load.empty()) GTEST_SKIP() << "h2load is not installed";
  start_provider();
  start_consumer();
  const drill::Finished load =
      run({h2load, "-n", "400", "-c", "4", "-m", "16",
           "http://" + consumer->egress().to_string() + "/api_key/v1/payments"});
  EXPECT_NE(load.output.find("400 succeeded, 0 failed"), std::string::npos) << load.output;
  EXPECT_NE(load.output.find("status codes: 400 2xx, 0 3xx, 0 4xx, 0 5xx"), std::string::npos)
      << load.output;
}

TEST_F(GatewayListener, gateway_limits_a_client_and_says_when_to_come_back) {
  start_provider({.threads = 2, .extra_toml = "[limits]\nclient = \"3/h\"\n"});
  add_key_client();
  const std::string key = issue_key();
  for (int i = 0; i < 3; ++i) {
    const auto answer = must(ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + key)));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.value("RateLimit-Policy"), "\"client\";q=3;w=3600");
  }
  const auto refused = ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + key));
  expect_refused(refused, 429, "rate_limited");
  EXPECT_EQ(refused->value("Retry-After").size(), 4u);  // 20 minutes, less a moment
}

TEST_F(GatewayListener, a_revocation_ends_the_request_that_waits_for_the_payment_api) {
  testing::SilentServer silent;
  start_provider({.upstream = Endpoint::parse(silent.address()).value()});
  add_key_client();
  const std::string key = issue_key();
  Result<http::SimpleResponse> answer;
  std::thread caller(
      [&] { answer = ask_gateway(&client, payment("/v1/payments", "k1", "ApiKey " + key)); });
  silent.wait_for_connections(1);
  must(provider->operate({"key", "revoke", key_id, "--reason", "test"}));
  caller.join();  // long before the 30 s that the payment API would have
  EXPECT_FALSE(answer) << answer->status;
  EXPECT_EQ(provider->gateway_process().terminate(), 0);  // the whole audit log is written
  EXPECT_NE(file_text("audit.jsonl").find("\"reason\":\"key_revoked\""), std::string::npos);
}

}  // namespace
}  // namespace countersign::e2e
