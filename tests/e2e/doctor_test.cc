// `countersign doctor` against a real provider: healthy, and with one thing wrong at a time.

#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

class Doctor : public WholePath {
 protected:
  void start() {
    start_provider();
    start_consumer();
  }
  // What it printed as JSON; its exit code in exit_code.
  Json examine(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {COUNTERSIGN_BINARIES "/countersign",
                                          "doctor",
                                          "--config",
                                          folder / "egress.toml",
                                          "--output",
                                          "json",
                                          "--path",
                                          "/v1/payments"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const drill::Finished finished = must(drill::run_command({.argv = std::move(arguments)}));
    exit_code = finished.exit_code;
    printed += finished.output + finished.errors;
    return must(parse_json(finished.output));
  }
  // The findings of one API as "check verdict".
  static std::vector<std::string> verdicts(const Json& findings, std::string_view api) {
    std::vector<std::string> all;
    for (const Json& row : findings) {
      if (row.at("api") == api)
        all.push_back(row.at("check").get<std::string>() + " " +
                      row.at("verdict").get<std::string>());
    }
    return all;
  }
  static Json finding(const Json& findings, std::string_view api, std::string_view check) {
    for (const Json& row : findings) {
      if (row.at("api") == api && row.at("check") == check) return row;
    }
    ADD_FAILURE() << "no finding " << check << " in " << findings.dump(1);
    return {{"verdict", ""}, {"found", ""}, {"advice", ""}};
  }
  void edit_config(std::string_view from, std::string_view to) {
    std::string text = file_text("egress.toml");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    must(drill::write_private_file(folder / "egress.toml", text));
  }

  int exit_code = -1;
  std::string printed;
};

TEST_F(Doctor, finds_a_whole_path_in_order_and_shows_no_secret) {
  start();
  const Json findings = examine();
  EXPECT_EQ(exit_code, 0) << printed;
  EXPECT_EQ(verdicts(findings, "oauth2_certificate"),
            (std::vector<std::string>{"certificate warning", "trust warning", "dns skipped",
                                      "route ok", "tcp ok", "tls ok", "pins ok",
                                      "server certificate warning", "client certificate ok",
                                      "clock ok", "discovery ok", "token ok", "call ok"}));
  EXPECT_EQ(verdicts(findings, "api_key").back(), "call ok");
  for (const std::string& secret : {file_text("api-key"), client_secret}) {
    ASSERT_GT(secret.size(), 20u);
    EXPECT_EQ(printed.find(secret), std::string::npos);
  }
}

TEST_F(Doctor, names_the_dead_gateway) {
  start();
  provider->gateway_process().kill();
  const Json findings = examine({"--api", "api_key"});
  EXPECT_EQ(exit_code, 1);
  const Json tcp = finding(findings, "api_key", "tcp");
  EXPECT_EQ(tcp.at("verdict"), "failed");
  EXPECT_NE(tcp.at("advice").get<std::string>().find("nothing listens"), std::string::npos);
  EXPECT_EQ(verdicts(findings, "api_key").back(), "call skipped");
  EXPECT_TRUE(verdicts(findings, "oauth2_bearer").empty());
}

TEST_F(Doctor, tells_a_wrong_name_a_wrong_pin_and_a_wrong_ca_apart) {
  start();
  const std::string whole = file_text("egress.toml");
  const drill::Identity stranger = must(pki.make_stranger("other.example"));
  struct Case {
    std::string from, to, advice;
  };
  const std::string name(drill::provider_url);
  for (const Case& wrong :
       {Case{"url = \"" + name + "\"", "url = \"https://wrong.example\"", "subjectAltName"},
        Case{"scheme = \"api_key\"",
             "pins = [\"" + encode_base64(Bytes(32, 7)) + "\"]\nscheme = \"api_key\"",
             "do not remove the pins"},
        Case{pki.provider_ca().string(), pki.consumer_ca().string(), "trust anchors"}}) {
    must(drill::write_private_file(folder / "egress.toml", whole));
    edit_config(wrong.from, wrong.to);
    const Json findings = examine({"--api", "api_key"});
    EXPECT_EQ(exit_code, 1);
    const Json tls = finding(findings, "api_key", "tls");
    EXPECT_EQ(tls.at("verdict"), "failed");
    EXPECT_NE(tls.at("advice").get<std::string>().find(wrong.advice), std::string::npos)
        << tls.dump(1);
    EXPECT_EQ(verdicts(findings, "api_key").back(), "call skipped");
  }
}

TEST_F(Doctor, sees_that_the_provider_refuses_the_client_certificate) {
  start();
  const drill::Identity stranger = must(pki.make_stranger(client_name));
  edit_config(client.certificate.string(), stranger.certificate.string());
  edit_config(client.private_key.string(), stranger.private_key.string());
  const Json findings = examine({"--api", "api_key"});
  EXPECT_EQ(exit_code, 1);
  const Json refused = finding(findings, "api_key", "client certificate");
  EXPECT_EQ(refused.at("verdict"), "failed") << findings.dump(1);
  EXPECT_NE(refused.at("advice").get<std::string>().find("refused this client's certificate"),
            std::string::npos);
}

TEST_F(Doctor, passes_the_issuers_and_the_gateways_reasons_on) {
  start();
  must(drill::write_private_file(folder / "client-secret", "not-the-secret-of-this-client"));
  must(provider->operate({"key", "revoke", key_id}));
  const Json findings = examine();
  EXPECT_EQ(exit_code, 1);
  const Json token = finding(findings, "oauth2_bearer", "token");
  EXPECT_EQ(token.at("verdict"), "failed");
  EXPECT_NE(token.at("found").get<std::string>().find("invalid_client"), std::string::npos);
  const Json call = finding(findings, "api_key", "call");
  EXPECT_EQ(call.at("verdict"), "failed");
  EXPECT_NE(call.at("found").get<std::string>().find("reason key_revoked, decision "),
            std::string::npos)
      << call.dump(1);
  EXPECT_EQ(verdicts(findings, "oauth2_certificate").back(), "call ok");
}

TEST_F(Doctor, an_unknown_api_is_a_wrong_command_line) {
  start();
  const drill::Finished finished =
      must(drill::run_command({.argv = {COUNTERSIGN_BINARIES "/countersign", "doctor", "--config",
                                        folder / "egress.toml", "--api", "nobody"}}));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.errors.find("no API \"nobody\""), std::string::npos) << finished.errors;
}

}  // namespace
}  // namespace countersign::e2e
