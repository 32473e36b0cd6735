// The command line as an operator meets it: exit codes, messages, JSON, signals.

#include <csignal>

#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

class Commands : public WholePath {
 protected:
  drill::Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), COUNTERSIGN_BINARIES "/countersign");
    return must(drill::run_command({.argv = std::move(arguments)}));
  }
};

TEST_F(Commands, help_version_and_usage_errors_have_their_exit_codes) {
  EXPECT_EQ(run({"--help"}).exit_code, 0);
  const drill::Finished version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.output.rfind("countersign ", 0), 0u);
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"no-such-command"},
                                                {"gateway"},
                                                {"key", "revoke", "--config", "x"},
                                                {"client", "add", "--nope"}}) {
    EXPECT_EQ(run(wrong).exit_code, 2);
  }
  for (const std::vector<std::string>& help : {std::vector<std::string>{"gateway", "--help"},
                                               {"client", "add", "--help"},
                                               {"token", "revoke", "--help"}}) {
    const drill::Finished shown = run(help);
    EXPECT_EQ(shown.exit_code, 0);
    EXPECT_LT(std::count(shown.output.begin(), shown.output.end(), '\n'), 40) << shown.output;
  }
}

TEST_F(Commands, check_config_tells_every_problem_with_file_line_and_key) {
  must(drill::write_private_file(
      folder / "egress.toml",
      "[[listener]]\naddress = \"127.0.0.1:0\"\n\n[[api]]\nname = 7\n"
      "url = \"http://plain.example\"\ncertifcate = \"x.pem\"\ntrust_anchors = \"none.pem\"\n"
      "scheme = \"api_kye\"\n"));
  const drill::Finished checked = run({"check-config", folder / "egress.toml"});
  EXPECT_EQ(checked.exit_code, 2);
  for (const std::string_view wanted :
       {"egress.toml:5: api[0].name", "egress.toml:6: api[0].url",
        "egress.toml:7: api[0].certifcate", "egress.toml:8: api[0].trust_anchors",
        "egress.toml:9: api[0].scheme"}) {
    EXPECT_NE(checked.errors.find(wanted), std::string::npos) << wanted << "\n" << checked.errors;
  }
}

TEST_F(Commands, check_config_accepts_what_the_servers_run_with) {
  start_provider();
  start_consumer();
  EXPECT_EQ(run({"check-config", folder / "gateway.toml"}).exit_code, 0);
  const drill::Finished egress = run({"check-config", folder / "egress.toml", "--output", "json"});
  EXPECT_EQ(egress.exit_code, 0) << egress.errors;
  EXPECT_EQ(drill::json_text_member(egress.output, "kind"), "egress");
}

TEST_F(Commands, check_config_makes_everything_that_the_server_would) {
  start_provider();
  start_consumer();
  const drill::Finished twice =
      run({"check-config", folder / "egress.toml", "--set", "api[1].path_prefix=/api_key"});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_NE(twice.errors.find("same prefix"), std::string::npos) << twice.errors;
  const drill::Finished setting = run({"check-config", folder / "egress.toml", "--set",
                                       "api[2].oauth2_certificate.client_auth=bogus"});
  EXPECT_EQ(setting.exit_code, 2) << setting.errors;
  const drill::Finished lifetime =
      run({"check-config", folder / "gateway.toml", "--set", "issuer.token_lifetime=2h"});
  EXPECT_EQ(lifetime.exit_code, 2);
  EXPECT_NE(lifetime.errors.find("token_lifetime_max"), std::string::npos) << lifetime.errors;
}

TEST_F(Commands, flag_wins_over_the_file) {
  start_provider();
  const drill::Finished run_with_flag =
      run({"check-config", folder / "gateway.toml", "--set", "store.max_staleness=forever"});
  EXPECT_EQ(run_with_flag.exit_code, 2);
  EXPECT_NE(run_with_flag.errors.find("store.max_staleness"), std::string::npos)
      << run_with_flag.errors;
}

TEST_F(Commands, configuration_files_that_others_can_read_are_refused_where_they_hold_secrets) {
  start_provider();
  std::filesystem::permissions(folder / "pepper", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const drill::Finished checked = run({"check-config", folder / "gateway.toml"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_NE(checked.errors.find("chmod 600"), std::string::npos) << checked.errors;
}

TEST_F(Commands, key_is_printed_once_and_listed_without_its_secret) {
  start_provider();
  add_key_client();
  const std::string key = issue_key({"--expires-in", "90d", "--note", "shop, first key"});
  ASSERT_EQ(key.rfind("cs_test_" + key_id + "_", 0), 0u) << key;
  const std::string listed = must(provider->operate({"key", "list", "--client", "shop-key"}));
  EXPECT_NE(listed.find(key_id), std::string::npos);
  EXPECT_NE(listed.find("shop, first key"), std::string::npos);
  EXPECT_EQ(listed.find(key.substr(key.size() - 20)), std::string::npos);
  const std::string clients = must(provider->operate({"client", "list"}));
  EXPECT_EQ(Json::parse(clients).size(), 1u);
}

TEST_F(Commands, unknown_subjects_fail_with_1_and_wrong_values_with_2) {
  start_provider();
  EXPECT_EQ(must(provider->run(
                     {"key", "revoke", "AAAAAAAAAAAA", "--config", provider->config().string()}))
                .exit_code,
            1);
  EXPECT_EQ(
      must(provider->run({"client", "disable", "nobody", "--config", provider->config().string()}))
          .exit_code,
      1);
  EXPECT_EQ(must(provider->run({"client", "add", "--name", "x", "--scope", "bad\"scope", "--config",
                                provider->config().string()}))
                .exit_code,
            2);
}

TEST_F(Commands, servers_drain_on_sigterm_and_exit_0) {
  start_provider();
  start_consumer();
  const auto backend = must(consumer->caller());
  ASSERT_EQ(must(backend->call(payment("/api_key/v1/payments", "k1"))).response.status, 201);
  EXPECT_EQ(consumer->process().terminate(), 0);
  EXPECT_EQ(provider->gateway_process().terminate(), 0);
  EXPECT_EQ(provider->payment_api_process().terminate(), 0);
  EXPECT_NE(consumer->process().output().find("egress.stopped"), std::string::npos);
}

TEST_F(Commands, sighup_reloads_the_gateways_certificate_and_keeps_the_old_one_on_error) {
  start_provider();
  const auto reloaded = [&](std::string_view event) {
    const size_t from = provider->gateway_process().lines();
    provider->gateway_process().signal(SIGHUP);
    must(provider->gateway_process().wait_for_line(
        [&](std::string_view line) { return line.find(event) != std::string_view::npos; }, from));
  };
  must(pki.make_server(drill::provider_name));  // the same file names, a new certificate
  reloaded("gateway.tls_reloaded");
  expect_refused(ask_gateway(&client, request("GET", "/v1/payments")), 401, "credential_missing");
  must(drill::write_private_file(folder / "server-payments.provider.example.key", "not a key"));
  reloaded("gateway.reload_failed");
  expect_refused(ask_gateway(&client, request("GET", "/v1/payments")), 401, "credential_missing");
}

TEST_F(Commands, egress_listens_on_loopback_only_unless_told_otherwise) {
  start_provider();
  start_consumer();
  const drill::Finished open =
      run({"check-config", folder / "egress.toml", "--set", "listener[0].address=0.0.0.0:8080"});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_NE(open.errors.find("unsafe_allow_remote_callers"), std::string::npos) << open.errors;
}

}  // namespace
}  // namespace countersign::e2e
