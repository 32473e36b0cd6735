// New certificates, keys and API keys in a running egress, under load: nothing fails, the old
// identity is gone afterwards, and one that the provider refuses is not taken.

#include <atomic>
#include <csignal>
#include <thread>

#include "crypto/tls_identity.h"
#include "drill/throwaway_pki.h"
#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

// Callers that never stop calling, until they are told to.
class Load final {
 public:
  Load(const drill::Consumer& consumer, std::vector<std::string> targets) {
    for (const std::string& target : targets)
      threads_.emplace_back([this, &consumer, target] { call(consumer, target); });
  }
  ~Load() { stop(); }
  Load(const Load&) = delete;

  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // Until so many more calls have been answered.
  void go_on_for(uint64_t calls) const {
    const uint64_t until = answered_ + calls;
    while (answered_ < until && failed_ == 0) std::this_thread::yield();
  }
  uint64_t answered() const { return answered_; }
  uint64_t failed() const { return failed_; }
  std::string first_failure() const {
    const std::lock_guard lock(mutex_);
    return first_failure_;
  }

 private:
  void call(const drill::Consumer& consumer, const std::string& target) {
    const auto caller = must(consumer.caller());
    while (!stop_) {
      const auto answer =
          caller->call({.method = "GET", .target = target, .fields = {}, .body = {}});
      ++answered_;
      if (answer && answer->response.status == 200) continue;
      const std::lock_guard lock(mutex_);
      if (failed_++ == 0)
        first_failure_ = answer ? answer->response.body : answer.error().for_log();
    }
  }
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> answered_ = 0;
  std::atomic<uint64_t> failed_ = 0;
  mutable std::mutex mutex_;
  std::string first_failure_;
  std::vector<std::thread> threads_;
};

class IdentitySwitch : public WholePath {
 protected:
  void start() {
    start_provider();
    start_consumer({.trace_heads = false, .access_log = (folder / "access.jsonl")});
  }
  // As an administrator or an orchestrator does it: another file takes the name's place.
  void put(const std::filesystem::path& at, std::string_view text) {
    const std::filesystem::path beside = at.string() + ".new";
    must(drill::write_private_file(beside, text));
    std::filesystem::rename(beside, at);
  }
  void put_identity(const drill::Identity& from) {
    put(client.certificate, text_of(from.certificate));
    put(client.private_key, text_of(from.private_key));
  }
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {(std::istreambuf_iterator<char>(file)), {}};
  }
  drill::Identity another_client(std::string_view stem) {
    crypto::CertificateSpec spec;
    spec.common_name = "shop";
    spec.dns_names = {std::string(client_name)};
    spec.purposes = {crypto::CertificatePurpose::client_auth};
    spec.not_before = clock.wall_now() - std::chrono::hours(1);
    spec.not_after = clock.wall_now() + std::chrono::hours(24);
    return must(pki.make(pki.consumer_authority(), spec, stem));
  }
  std::string wait_for(std::string_view event, size_t from) {
    return must(consumer->process().wait_for_line(
        [&](std::string_view line) { return line.find(event) != std::string_view::npos; }, from));
  }
  // The audit log writes the beginning of a thumbprint.
  static std::string in_audit(const drill::Identity& identity) {
    return identity.thumbprint.substr(0, 16);
  }
  std::vector<std::string> audit_lines() const {
    std::ifstream file(provider->audit_log());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
};

TEST_F(IdentitySwitch, certificate_key_and_api_key_change_under_load_and_nothing_fails) {
  start();
  const drill::Identity renewed = another_client("renewed");
  const std::string new_key = issue_key({"--certificate", renewed.certificate.string()});
  Load load(*consumer, {"/oauth2_certificate/v1/payments", "/oauth2_bearer/v1/payments",
                        "/api_key/v1/payments", "/oauth2_certificate/v1/payments"});
  load.go_on_for(200);
  const size_t from = consumer->process().lines();
  // All three within one look: taken together, since the old key works with the old certificate
  // alone.
  put_identity(renewed);
  put(folder / "api-key", new_key);
  const std::string line = wait_for("egress.reloaded", from);
  for (const std::string_view api : {"api_key", "oauth2_bearer", "oauth2_certificate"})
    EXPECT_NE(line.find(api), std::string::npos) << line;
  load.go_on_for(50);  // the drain: calls that had begun before
  const size_t audited = audit_lines().size();
  load.go_on_for(200);
  load.stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
  // Nothing comes with the old certificate any more.
  const std::vector<std::string> lines = audit_lines();
  ASSERT_GT(lines.size(), audited + 100);
  for (size_t i = audited; i < lines.size(); ++i)
    EXPECT_EQ(lines[i].find(in_audit(client)), std::string::npos) << lines[i];
  EXPECT_NE(lines.back().find(in_audit(renewed)), std::string::npos) << lines.back();
}

TEST_F(IdentitySwitch, an_identity_that_the_provider_refuses_is_not_taken) {
  start();
  const std::string certificate = text_of(client.certificate);
  const std::string key = text_of(client.private_key);
  Load load(*consumer, {"/oauth2_certificate/v1/payments", "/api_key/v1/payments"});
  load.go_on_for(50);
  const size_t from = consumer->process().lines();
  put_identity(must(pki.make_stranger(client_name)));
  wait_for("egress.switch_refused", from);
  load.go_on_for(100);
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
  // And back: nothing differs from what is in force.
  const size_t then = consumer->process().lines();
  put(client.certificate, certificate);
  put(client.private_key, key);
  wait_for("egress.reload_unchanged", then);
  load.stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
}

TEST_F(IdentitySwitch, a_broken_configuration_changes_nothing_and_is_told) {
  start();
  const std::string whole = file_text("egress.toml");
  Load load(*consumer, {"/api_key/v1/payments"});
  load.go_on_for(20);
  size_t from = consumer->process().lines();
  put(folder / "egress.toml", whole + "\n[nonsense]\n");
  EXPECT_NE(wait_for("egress.reload_failed", from).find("nonsense"), std::string::npos);
  from = consumer->process().lines();
  put(client.private_key, "not a key");
  put(folder / "egress.toml", whole);
  wait_for("egress.reload_failed", from);
  load.go_on_for(50);
  load.stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
}

TEST_F(IdentitySwitch, sighup_reads_the_configuration_and_opens_the_access_log_anew) {
  start();
  const auto caller = must(consumer->caller());
  const auto call = [&](std::string_view target) {
    return must(caller->call(
                    {.method = "GET", .target = std::string(target), .fields = {}, .body = {}}))
        .response.status;
  };
  EXPECT_EQ(call("/api_key/v1/payments"), 200);
  EXPECT_EQ(call("/renamed/v1/payments"), 404);
  std::string text = file_text("egress.toml");
  const std::string_view prefix = "path_prefix = \"/api_key\"";
  text.replace(text.find(prefix), prefix.size(), "path_prefix = \"/renamed\"");
  put(folder / "egress.toml", text);
  std::filesystem::rename(folder / "access.jsonl", folder / "access.jsonl.1");
  const size_t from = consumer->process().lines();
  consumer->process().signal(SIGHUP);
  wait_for("egress.reloaded", from);
  EXPECT_EQ(call("/renamed/v1/payments"), 200);
  EXPECT_EQ(call("/api_key/v1/payments"), 404);
  EXPECT_EQ(consumer->process().terminate(), 0);
  EXPECT_NE(file_text("access.jsonl").find("/renamed/v1/payments"), std::string::npos);
  EXPECT_NE(file_text("access.jsonl.1").find("/api_key/v1/payments"), std::string::npos);
}

}  // namespace
}  // namespace countersign::e2e
