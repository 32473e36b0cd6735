#include "provider/audit/change_log.h"

#include <cstring>
#include <utility>

namespace countersign::provider {
namespace {

std::unexpected<Error> unavailable(std::string_view detail) {
  return fail(ErrorKind::unavailable, "audit.unavailable",
              "The change cannot be recorded in the audit log, so it is not made.", detail);
}

}  // namespace

Result<void> FileChangeLog::record(const AuditRecord& record) {
  std::string line;
  lines_.append(line, record, clock_.wall_now());
  int error_code = file_->append(line);
  if (error_code == 0) error_code = file_->sync();
  if (error_code != 0) return unavailable(std::strerror(error_code));
  return {};
}

Result<void> WriterChangeLog::record(const AuditRecord& record) {
  if (!writer_.accepting()) return unavailable("");
  std::string line;
  lines_.append(line, record, clock_.wall_now());
  if (!writer_.write_and_wait(std::move(line), 1)) return unavailable("");
  return {};
}

}  // namespace countersign::provider
