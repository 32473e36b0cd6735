// `countersign egress`: the sidecar, on one loop per core.

#pragma once

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

// Serves until it is told to stop.
Result<void> run_egress(const CommonOptions& common);

}  // namespace countersign::cli
