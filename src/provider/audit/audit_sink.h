// AuditSink: where the lines of an audit log go. AuditFile (audit_file.h) is the real one; tests
// have one in memory that fails on demand.

#pragma once

#include <string_view>

#include "core/result.h"

namespace countersign::provider {

class AuditSink {
 public:
  virtual ~AuditSink() = default;

  // Appends whole lines, all of them or none. 0, or the errno of what stopped it. When it has
  // returned 0 the kernel has them: they survive the process; sync() makes them survive a power
  // cut. Without lines it does what is due by time; while the log is broken, it tries whether it
  // works.
  virtual int append(std::string_view lines) = 0;

  // Everything appended is on disk: 0, or an errno.
  virtual int sync() = 0;

  // Opens the same path anew, after it was renamed. On failure the old file stays in use.
  virtual Result<void> reopen() = 0;
};

}  // namespace countersign::provider
