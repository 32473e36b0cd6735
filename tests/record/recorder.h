// Recorder: keeps what the programs of a test have printed and logged, and a part of each secret
// that was made for them, in a folder of the build tree. When all tests have ended, one more looks
// for the secrets in all of the output (secret_record_test.cc).
//
// The folder: `secrets/` with fragments (secret_rules.h), a line each; `output/` with output and
// log files. Each process writes files of its own.

#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>

#include "drill/child_process.h"
#include "drill/observer.h"

namespace countersign::testing {

class Recorder final : public drill::Observer {
 public:
  explicit Recorder(std::filesystem::path folder);

  void ended(const drill::Command& command, std::string_view output,
             std::string_view errors) override;
  void wrote(const std::filesystem::path& path, std::string_view text) override;
  void obtained(std::string_view secret) override;

 private:
  void register_fragments(const std::vector<std::string>& fragments);
  void keep(std::string_view what, std::string_view text);
  void keep_logs();

  const std::filesystem::path folder_;
  std::mutex mutex_;
  uint64_t numbered_ = 0;
  std::set<std::filesystem::path> folders_;  // of the programs' files, and so of their logs
};

// Every secret and every output of a record.
struct Record {
  explicit Record(const std::filesystem::path& folder);
  std::set<std::string> fragments = {};
  std::vector<std::filesystem::path> outputs = {};
};

std::string file_content(const std::filesystem::path& path);

}  // namespace countersign::testing
