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
  // Both outlive the sink; the test keeps them when the log has taken it.
  struct File {
    std::string text;
    size_t appends = 0;
    size_t room = SIZE_MAX;  // bytes that still fit: a disk that fills up
    int error_code = ENOSPC;
    size_t reopened = 0;

    size_t lines() const { return static_cast<size_t>(std::ranges::count(text, '\n')); }
    bool contains(std::string_view part) const { return text.find(part) != std::string::npos; }
  };
  explicit MemoryAuditSink(File& file) : file_(file) {}

  Written append(std::string_view bytes) override {
    ++file_.appends;
    const size_t moved = std::min(bytes.size(), file_.room);
    file_.text += bytes.substr(0, moved);
    if (file_.room != SIZE_MAX) file_.room -= moved;
    return {moved, moved == bytes.size() ? 0 : file_.error_code};
  }
  Result<void> reopen() override {
    ++file_.reopened;
    return {};
  }

 private:
  File& file_;
};

}  // namespace countersign::testing
