// The audit log of a real gateway and of the commands beside it: what is in it, that it holds, and
// that it loses nothing that anybody was told.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "e2e/tls_server.h"
#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

class AuditLogOfAGateway : public WholePath {
 protected:
  Json verified(std::vector<std::string> more = {}, int exit_code = 0) {
    std::vector<std::string> arguments = {"audit", "verify"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(),
                     {"--config", provider->config().string(), "--output", "json"});
    const drill::Finished run = must(provider->run(std::move(arguments)));
    EXPECT_EQ(run.exit_code, exit_code) << run.output << run.errors;
    return Json::parse(run.output, nullptr, /*allow_exceptions=*/false);
  }
  std::vector<Json> exported(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"audit", "export"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string text = must(provider->operate(std::move(arguments)));
    std::vector<Json> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      lines.push_back(Json::parse(text.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }
  // After the gateway of `provider` has ended: another one on the same files.
  std::unique_ptr<drill::ChildProcess> start_again() {
    auto gateway = must(
        drill::ChildProcess::start({.argv = {std::string(COUNTERSIGN_BINARIES) + "/countersign",
                                             "gateway", "--config", provider->config().string()},
                                    .input = {}}));
    must(gateway->wait_for_line(
        [](std::string_view line) { return line.find("gateway.listening") != line.npos; }));
    return gateway;
  }
};

TEST_F(AuditLogOfAGateway, verify_proves_that_decisions_and_changes_are_as_they_were_written) {
  start_provider();
  add_key_client();
  const std::string key = issue_key();
  EXPECT_EQ(must(ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + key))).status,
            200);
  expect_refused(ask_gateway(&client, request("GET", "/v1/payments")), 401, "credential_missing");
  must(provider->operate({"key", "revoke", key_id, "--reason", "test"}));
  provider->gateway_process().terminate();
  const Json whole = verified();
  EXPECT_EQ(whole["holds"], true);
  EXPECT_EQ(whole["signed_through"].get<int>() + 1, whole["last"].get<int>());
  const std::string checkpoint = must(provider->operate({"audit", "checkpoint"}));
  must(drill::write_private_file(folder / "kept", checkpoint));

  // Somebody turns a refusal into something else.
  std::string text = file_text("audit.jsonl");
  const std::string before = text;
  const size_t at = text.find("\"deny\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 6, "\"none\"");
  must(drill::write_private_file(folder / "audit.jsonl", text));
  const Json altered = verified({}, 1);
  EXPECT_EQ(altered["holds"], false);
  EXPECT_EQ(altered["code"], "audit.hash_wrong");
  EXPECT_EQ(altered["line"],
            std::count(before.begin(), before.begin() + static_cast<long>(at), '\n') + 1);
  // Somebody cuts the end off, at a line.
  must(drill::write_private_file(folder / "audit.jsonl",
                                 before.substr(0, before.rfind('\n', at) + 1)));
  EXPECT_EQ(verified()["holds"], true);
  EXPECT_EQ(verified({"--checkpoint", (folder / "kept")}, 1)["code"], "audit.cut_off");
}

TEST_F(AuditLogOfAGateway, every_change_by_a_command_is_recorded_with_who_made_it) {
  start_provider();
  add_key_client();
  issue_key();
  must(provider->operate({"key", "revoke", key_id, "--reason", "leaked"}));
  must(provider->operate({"client", "disable", "shop-key", "--reason", "test"}));
  EXPECT_NE(must(provider->run({"key", "issue", "--client", "nobody", "--config",
                                provider->config().string()}))
                .exit_code,
            0);
  const std::string who = "uid:" + std::to_string(getuid());
  std::vector<std::string> actions;
  for (const Json& line : exported({"--event", "change"})) {
    EXPECT_TRUE(line["actor"].get<std::string>().starts_with(who)) << line;
    EXPECT_EQ(line["outcome"], "allow");
    actions.push_back(line["action"].get<std::string>() + " " + line["subject"].get<std::string>());
  }
  EXPECT_EQ(actions, (std::vector<std::string>{"add_client shop-key", "add_key " + key_id,
                                               "revoke " + key_id, "revoke shop-key"}));
  EXPECT_EQ(exported({"--event", "change_begun"}).size(), 4u);
  EXPECT_EQ(verified()["holds"], true);
}

TEST_F(AuditLogOfAGateway, a_change_that_cannot_be_recorded_is_not_made) {
  start_provider();
  add_key_client();
  const auto run =
      must(provider->run({"key", "issue", "--client", "shop-key", "--config",
                          provider->config().string(), "--set", "audit.path=/dev/full"}));
  EXPECT_EQ(run.exit_code, 2) << run.errors;
  EXPECT_NE(run.errors.find("audit"), std::string::npos) << run.errors;
  EXPECT_EQ(must(provider->operate({"key", "list"})), "[]\n");
}

TEST_F(AuditLogOfAGateway, explain_tells_a_refusal_in_plain_words) {
  start_provider();
  add_key_client();
  const std::string key = issue_key({"--network", "10.0.0.0/8"});
  const http::SimpleResponse refused =
      must(ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + key)));
  const std::string decision(refused.value("Countersign-Decision-Id"));
  const std::string told = must(provider->operate({"audit", "explain", decision}));
  EXPECT_NE(told.find("shop-key from 127.0.0.1 sent GET /v1/payments, and was refused"),
            std::string::npos)
      << told;
  EXPECT_NE(told.find("certificate and network binding"), std::string::npos) << told;
  EXPECT_NE(told.find("what exactly did not hold: 127.0.0.1"), std::string::npos) << told;
  EXPECT_EQ(told.find(key), std::string::npos);
  const auto unknown = must(provider->run(
      {"audit", "explain", "01M86SMQ2HVCR30PSS2G8D4Z8E", "--config", provider->config().string()}));
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.errors.find("cli.no_such_decision"), std::string::npos) << unknown.errors;

  const auto denials = exported({"--client", "shop-key", "--outcome", "deny"});
  ASSERT_EQ(denials.size(), 1u);
  EXPECT_EQ(denials[0]["decision"], decision);
  EXPECT_TRUE(exported({"--until", "2026-01-01"}).empty());
}

TEST_F(AuditLogOfAGateway, goes_on_over_files_that_are_set_aside_by_size_and_by_others) {
  start_provider({.audit_toml = "rotate_at = \"64KiB\""});
  add_key_client();
  const auto caller = must(provider->caller(pki, &client));
  for (int i = 0; i < 200; ++i) must(caller->call(request("GET", "/v1/payments")));
  EXPECT_TRUE(std::filesystem::exists(folder / "audit.jsonl.000001"));
  // As logrotate does.
  std::filesystem::rename(folder / "audit.jsonl", folder / "audit.jsonl.1");
  provider->gateway_process().signal(SIGHUP);
  must(caller->call(request("GET", "/v1/payments")));
  provider->gateway_process().terminate();
  EXPECT_TRUE(std::filesystem::exists(folder / "audit.jsonl"));
  const Json report = verified();
  EXPECT_EQ(report["holds"], true) << report;
  EXPECT_GE(report["files"].get<int>(), 3);
  EXPECT_EQ(exported({"--outcome", "deny"}).size(), 201u);
}

TEST_F(AuditLogOfAGateway, a_breach_is_told_and_the_client_cut_off) {
  TlsServer webhook(must(pki.make_server("alerts.provider.example")));
  start_provider({.extra_toml = "[watch]\nhoney_key = \"quarantine\"\nhoney = [\"bait\"]\n"
                                "webhook = \"https://" +
                                webhook.address().to_string() +
                                "/alerts\"\nwebhook_trust_anchors = \"" +
                                pki.provider_ca().string() + "\"\n"});
  add_client({"--id", "bait"});
  const std::string issued = must(provider->operate({"key", "issue", "--client", "bait"}));
  const std::string key = drill::json_text_member(issued, "api_key");
  const auto get = [&] {
    return ask_gateway(&client, request("GET", "/v1/payments", "ApiKey " + key));
  };
  ASSERT_EQ(must(get()).status, 200);  // the thief's first use
  must(provider->gateway_process().wait_for_line(
      [](std::string_view line) { return line.find("watch.alert") != line.npos; }));
  while (must(get()).status == 200) {
  }  // until the gateway has read it from the feed
  expect_refused(get(), 403, "client_disabled");
  const auto alerts = exported({"--event", "alert"});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0]["rule"], "honey_key");
  EXPECT_EQ(alerts[0]["action"], "quarantine");
  EXPECT_EQ(alerts[0]["client"], "bait");
  const auto changes = exported({"--event", "change", "--client", "bait"});
  EXPECT_EQ(changes.back()["actor"], "watch:honey_key");
  while (webhook.received().find("\"rule\":\"honey_key\"") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_EQ(webhook.received().find(key), std::string::npos);
  EXPECT_TRUE(webhook.received().starts_with("POST /alerts HTTP/1.1\r\n")) << webhook.received();
  EXPECT_EQ(verified()["holds"], true);
}

TEST_F(AuditLogOfAGateway, a_consumer_gets_its_own_side_of_a_decision_and_no_others) {
  start_provider();
  add_key_client();
  const std::string reading = issue_key({"--scope", "payments:read"});
  const http::SimpleResponse refused =
      must(ask_gateway(&client, payment("/v1/payments", "k", "ApiKey " + reading)));
  const std::string path =
      "/.well-known/countersign/decisions/" + std::string(refused.value("Countersign-Decision-Id"));
  const auto shown = must(ask_gateway(&client, request("GET", path, "ApiKey " + reading)));
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(drill::json_text_member(shown.body, "reason"), "scope_insufficient");
  EXPECT_EQ(drill::json_text_member(shown.body, "your_address"), "127.0.0.1");
  add_client({"--id", "other"});
  const std::string issued = must(provider->operate({"key", "issue", "--client", "other"}));
  const std::string foreign = drill::json_text_member(issued, "api_key");
  EXPECT_EQ(must(ask_gateway(&client, request("GET", path, "ApiKey " + foreign))).status, 404);
  EXPECT_EQ(must(ask_gateway(&client, request("GET", path))).status, 401);
}

// What each caller was told: decisions that must be in the log.
class Told final {
 public:
  void add(std::string decision) {
    const std::lock_guard lock(mutex_);
    decisions_.insert(std::move(decision));
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return decisions_.size();
  }
  std::set<std::string> all() const { return decisions_; }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> decisions_;
};

TEST_F(AuditLogOfAGateway, killed_at_any_moment_has_lost_nothing_that_a_client_was_told) {
  start_provider({.threads = 2});
  add_client({"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns",
              std::string(client_name), "--certificate-bound-tokens"});
  // Each round kills after another number of answers, so at another step of what is under way.
  for (const size_t after : {1, 7, 40, 90}) {
    Told told;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const auto caller = provider->caller(pki, &client);
        if (!caller) return;
        for (;;) {
          http::SimpleRequest made = request("GET", "/v1/payments", "Bearer no.such.token");
          if (t == 0) {
            made = request("POST", "/oauth2/token");
            made.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
            made.body = "grant_type=client_credentials&client_id=shop-bound";
          }
          const auto answer = (*caller)->call(std::move(made));
          if (!answer) return;  // the gateway is gone
          told.add(std::string(answer->response.value("Countersign-Decision-Id")));
        }
      });
    }
    while (told.size() < after) std::this_thread::yield();
    provider->gateway_process().kill();
    for (std::thread& thread : threads) thread.join();

    std::set<std::string> recorded;
    for (const Json& line : exported({})) {
      if (has_member(line, "decision")) recorded.insert(line["decision"].get<std::string>());
    }
    for (const std::string& decision : told.all()) EXPECT_TRUE(recorded.contains(decision));
    const Json report = verified();
    EXPECT_EQ(report["holds"], true) << report;
    // Commands and the next gateway go on behind whatever is there.
    must(provider->operate({"client", "add", "--name", "after", "--scope", "payments:read"}));
    const auto again = start_again();
    EXPECT_EQ(again->terminate(), 0);
    EXPECT_EQ(verified()["holds"], true);
    provider.reset();
    start_provider({.threads = 2});
  }
}

}  // namespace
}  // namespace countersign::e2e
