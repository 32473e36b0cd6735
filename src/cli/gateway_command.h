// `countersign gateway`: issuer and gateway in one process, on one loop per core.

#pragma once

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

// Serves until it is told to stop. SIGHUP: certificate, key and trust anchors are read again (the
// old ones stay on any error) and the audit file is opened anew, for log rotation.
Result<void> run_gateway(const CommonOptions& common);

}  // namespace countersign::cli
