// AuditSink: where the bytes of an audit log go. AuditFile is the real one; tests have one that
// fails on demand.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign::provider {

class AuditSink {
 public:
  virtual ~AuditSink() = default;

  struct Written {
    size_t bytes = 0;    // how many of the offered bytes are in the log, error or not
    int error_code = 0;  // errno of what stopped it; 0 if all were written
  };
  // Appends all bytes or says how far it got. Returns only when the kernel has the bytes (which
  // survive the process; a power cut is another matter).
  virtual Written append(std::string_view bytes) = 0;

  // Opens the same path anew, after it was renamed. On failure the old file stays in use.
  virtual Result<void> reopen() = 0;
};

// A file, opened O_APPEND, so that each append() of several writers stays in one piece, and 0600.
class AuditFile final : public AuditSink {
 public:
  // `audit.open_failed`. If the file ends within a line (a crash, a full disk), ends that line
  // first.
  static Result<std::unique_ptr<AuditFile>> open(std::string path);
  ~AuditFile() override;
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  Written append(std::string_view bytes) override;
  Result<void> reopen() override;

 private:
  AuditFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string path_;
  int descriptor_;
};

}  // namespace countersign::provider
