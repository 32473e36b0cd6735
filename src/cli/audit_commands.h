// `countersign audit …`: verify, explain, tail and export the audit log. They read only; a gateway
// may write meanwhile.

#pragma once

#include <string>
#include <vector>

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

struct AuditVerifyFlags {
  std::vector<std::string> files;        // empty: all of the configuration's log
  std::vector<std::string> public_keys;  // PEM files, besides the configuration's own
  std::string checkpoint;                // a file with checkpoint lines that were kept elsewhere
};

struct AuditExportFlags {
  std::vector<std::string> files;
  std::string client;
  std::string outcome;
  std::string event;
  std::string reason;
  std::string from;
  std::string until;
};

struct AuditTailFlags {
  int lines = 20;
  bool follow = false;
};

// `cli.audit_broken` if something does not hold; it was printed.
Result<void> verify_audit(const CommonOptions& common, const AuditVerifyFlags& flags);
// The newest checkpoint, a line to be kept elsewhere.
Result<void> print_audit_checkpoint(const CommonOptions& common);
// `cli.no_such_decision`.
Result<void> explain_decision(const CommonOptions& common, const std::string& decision_id);
// The lines themselves.
Result<void> export_audit(const CommonOptions& common, const AuditExportFlags& flags);
Result<void> tail_audit(const CommonOptions& common, const AuditTailFlags& flags);

}  // namespace countersign::cli
