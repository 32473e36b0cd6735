// A log in a folder of its own, with its key, written and verified by the tests of its parts.

#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "provider/audit/audit_file.h"
#include "provider/audit/audit_verify.h"
#include "support/fake_clock.h"

namespace countersign::provider {

class AuditFileTest : public ::testing::Test {
 protected:
  AuditFileOptions options() const {
    return {.path = path(), .node = "gw", .key = key_, .rotate_bytes = 0};
  }
  std::string path() const { return (folder_ / "audit.jsonl"); }
  std::unique_ptr<AuditFile> open(AuditFileOptions with) {
    auto file = AuditFile::open(std::move(with), clock_);
    EXPECT_TRUE(file) << file.error().for_log();
    return file ? *std::move(file) : nullptr;
  }
  std::unique_ptr<AuditFile> open() { return open(options()); }
  // Lines as the log makes them.
  std::string lines(std::string_view decision, int count = 1) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      writer_.append(text, {.outcome = AuditOutcome::deny, .decision_id = decision},
                     clock_.wall_now());
    }
    return text;
  }

  static std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write_text(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
      const size_t end = text.find('\n');
      all.emplace_back(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return all;
  }
  static std::string join(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) text += line + "\n";
    return text;
  }

  VerifyReport verify(std::vector<std::string> expected = {}) {
    VerifyOptions verified{.files = {}, .keys = {key_.public_key()}, .expected = expected};
    for (const AuditFileName& name : list_audit_files(path())) verified.files.push_back(name.path);
    auto report = verify_audit_log(verified);
    EXPECT_TRUE(report) << report.error().for_log();
    return report ? *report : VerifyReport{};
  }
  // "" if it holds, else the code.
  std::string broken(std::vector<std::string> expected = {}) {
    const VerifyReport report = verify(std::move(expected));
    return report.broken ? report.broken->code : std::string();
  }
  static bool has_note(const VerifyReport& report, std::string_view code) {
    return std::ranges::any_of(report.notes, [&](const auto& note) { return note.code == code; });
  }

  testing::FakeClock clock_;
  TemporaryFolder folder_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::eddsa).value();
  AuditLineWriter writer_{"gw"};
};

}  // namespace countersign::provider
