// `countersign egress status`: asks a running egress's admin listener how it is.

#pragma once

#include <string_view>
#include <vector>

#include "cli/common_options.h"
#include "cli/output.h"
#include "core/result.h"

namespace countersign::cli {

// The rows of a /status document, one an API. `egress.bad_status` if it is none: the document comes
// from another process.
Result<std::vector<OutputRecord>> read_status(std::string_view document);

// A table, or the document as it came. An error if the egress cannot be asked; an egress that is
// not ready is no error.
Result<void> show_egress_status(const CommonOptions& common);

}  // namespace countersign::cli
