// `countersign egress reconcile`: settles what a crash or a lost answer left open in the journal.

#pragma once

#include <chrono>

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

struct ReconcileFlags {
  std::chrono::seconds wait{};  // for entries that are held
  int rate = 10;                // attempts a second
};

// Prints every entry that was open. `egress.unresolved` if one still is.
Result<void> reconcile_egress(const CommonOptions& common, const ReconcileFlags& flags);

}  // namespace countersign::cli
