// `countersign store …`: work on the token store that an egress's configuration names, beside
// running egresses.

#pragma once

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

// Seals every stored token anew under the key that seals now, and prints what it did. Reads
// [token_store] only: no credential of an API is looked at. `store.rekey_incomplete` (conflict) if
// a row is left under another key.
Result<void> rekey_store(const CommonOptions& common);

}  // namespace countersign::cli
