// `countersign check-config FILE`: reads a configuration as the program would, and says everything
// that is wrong with it.

#pragma once

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

// Tells gateway and egress apart by [[api]], which only an egress has. Reads the files it names
// (certificates, keys) but opens no socket, store or log.
Result<void> check_config(const CommonOptions& common);

}  // namespace countersign::cli
