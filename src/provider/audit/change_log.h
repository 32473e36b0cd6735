// ChangeLog: where changes of the record are recorded, by whoever may wait for the disk: a command,
// a worker's thread. Never on an event loop.

#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "provider/audit/audit_file.h"
#include "provider/audit/audit_record.h"
#include "provider/audit/audit_writer.h"

namespace countersign::provider {

class ChangeLog {
 public:
  virtual ~ChangeLog() = default;
  // The line is on disk when this returns; else `audit.unavailable`.
  virtual Result<void> record(const AuditRecord& record) = 0;
};

// Of a process of its own: a command beside the gateway.
class FileChangeLog final : public ChangeLog {
 public:
  // `clock` outlives it.
  FileChangeLog(std::unique_ptr<AuditFile> file, std::string_view node, const Clock& clock)
      : file_(std::move(file)), clock_(clock), lines_(node) {}
  Result<void> record(const AuditRecord& record) override;

 private:
  std::unique_ptr<AuditFile> file_;
  const Clock& clock_;
  AuditLineWriter lines_;
};

// Of a gateway: through its writer. One thread.
class WriterChangeLog final : public ChangeLog {
 public:
  // All references outlive it.
  WriterChangeLog(AuditWriter& writer, std::string_view node, const Clock& clock)
      : writer_(writer), clock_(clock), lines_(node) {}
  Result<void> record(const AuditRecord& record) override;

 private:
  AuditWriter& writer_;
  const Clock& clock_;
  AuditLineWriter lines_;
};

}  // namespace countersign::provider
