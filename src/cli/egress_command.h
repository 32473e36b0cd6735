// `countersign egress`: the sidecar, on one loop per core.

#pragma once

#include "cli/common_options.h"
#include "cli/egress_config.h"
#include "core/result.h"

namespace countersign::cli {

// What loading alone does not find: prefixes that collide, settings a scheme refuses, certificates
// and keys that do not fit. Makes everything that run_egress() would, connects to nothing.
Result<void> check_egress(EgressConfig config);

// Serves until it is told to stop.
Result<void> run_egress(const CommonOptions& common);

}  // namespace countersign::cli
