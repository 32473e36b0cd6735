// The demo's story: pays through the egress with every scheme, then does what must be refused.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "core/temporary_folder.h"
#include "demo/report.h"
#include "drill/installation.h"

namespace countersign::demo {

struct DemoOptions {
  std::filesystem::path binaries;
  std::filesystem::path payments;  // folder of JSON files
};

class Demo final {
 public:
  // Makes the PKI and starts everything.
  static Result<std::unique_ptr<Demo>> start(DemoOptions options, Report& report);

  void pay_with_every_scheme();
  void show_refusals();
  // For a person to try while everything stays up.
  void print_curl_lines() const;

 private:
  Demo(DemoOptions options, Report& report) : options_(std::move(options)), report_(report) {}
  Result<void> prepare();
  Result<void> register_clients();
  Result<std::string> issue_key(std::vector<std::string> more_arguments, std::string& key_id);
  Result<drill::Answer> get_with_key(const drill::Identity* client, const std::string& key,
                                     std::string_view method = "GET");
  Result<std::string> fetch_token();
  PaymentStep pay(drill::Caller& backend, const std::string& scheme,
                  const std::filesystem::path& file);
  void refuse(std::string what, std::string expected, const Result<drill::Answer>& answer);
  void refuse_key_cases();
  void refuse_revoked_key();
  void refuse_revoked_token();

  DemoOptions options_;
  Report& report_;
  SystemClock clock_;
  SystemEntropy entropy_;
  TemporaryFolder folder_;
  std::optional<drill::ThrowawayPki> pki_;
  drill::Identity client_;
  std::unique_ptr<drill::Provider> provider_;
  std::unique_ptr<drill::Consumer> consumer_;
};

}  // namespace countersign::demo
