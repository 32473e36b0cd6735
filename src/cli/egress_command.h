// `countersign egress`: the sidecar, on one loop per core.

#pragma once

#include <functional>
#include <vector>

#include "cli/common_options.h"
#include "cli/egress_config.h"
#include "core/result.h"
#include "net/loop.h"

namespace countersign::cli {

// What loading alone does not find: prefixes that collide, settings a scheme refuses, certificates
// and keys that do not fit. Makes everything that run_egress() would, connects to nothing.
Result<void> check_egress(EgressConfig config);

// Makes the APIs as the egress would, on one loop and without a listener, and calls `use` with
// them; for commands that call a provider once. They end when `use` returns.
Result<void> with_egress_apis(
    EgressConfig config,
    const std::function<Result<void>(net::Loop&, std::vector<consumer::EgressApi>)>& use);

// Serves until it is told to stop.
Result<void> run_egress(const CommonOptions& common);

}  // namespace countersign::cli
