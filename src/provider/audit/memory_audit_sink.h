// An AuditSink in memory that fails when the test says so. For tests only.

#pragma once

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "provider/audit/audit_sink.h"

namespace countersign::testing {

class MemoryAuditSink final : public provider::AuditSink {
 public:
  // Outlives the sink; the test keeps it when the log has taken the sink.
  struct File {
    std::string text;
    size_t synced = 0;  // bytes of the text that are on disk
    size_t appends = 0;
    size_t syncs = 0;
    size_t room = SIZE_MAX;  // bytes that still fit: a disk that fills up
    int error_code = ENOSPC;
    int sync_error = 0;
    size_t reopened = 0;

    size_t lines() const { return static_cast<size_t>(std::ranges::count(text, '\n')); }
    bool contains(std::string_view part) const { return text.find(part) != std::string::npos; }
    bool on_disk(std::string_view part) const {
      const size_t at = text.find(part);
      return at != std::string::npos && at + part.size() <= synced;
    }
  };
  explicit MemoryAuditSink(File& file) : file_(file) {}

  int append(std::string_view lines) override {
    if (file_.room == 0 || lines.size() > file_.room) return file_.error_code;
    if (lines.empty()) return 0;
    ++file_.appends;
    file_.text += lines;
    if (file_.room != SIZE_MAX) file_.room -= lines.size();
    return 0;
  }
  int sync() override {
    ++file_.syncs;
    if (file_.sync_error != 0) return file_.sync_error;
    file_.synced = file_.text.size();
    return 0;
  }
  Result<void> reopen() override {
    ++file_.reopened;
    return {};
  }

 private:
  File& file_;
};

}  // namespace countersign::testing
