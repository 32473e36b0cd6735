// The `audit` commands' part of the command line.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/audit_commands.h"
#include "cli/common_options.h"
#include "core/result.h"

namespace CLI {
class App;
}

namespace countersign::cli {

class AuditCommandLine final {
 public:
  using Action = std::function<Result<void>()>;
  // Makes a command of the record under `parent`: name, help, action.
  using MakeCommand =
      std::function<CLI::App*(CLI::App&, const std::string&, const std::string&, Action)>;

  // Adds `audit` to the program. The common options outlive this object, and this the program.
  AuditCommandLine(CLI::App& app, const CommonOptions& common, const MakeCommand& command);

 private:
  const CommonOptions& common_;
  AuditVerifyFlags verify_;
  AuditExportFlags export_;
  AuditTailFlags tail_;
  std::string decision_id_;
};

}  // namespace countersign::cli
