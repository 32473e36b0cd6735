// `countersign store …`: work on the token store and the journal that an egress's configuration
// names, beside running egresses.

#pragma once

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

// Seals every stored token and journalled request anew under the key that seals now, and prints
// what it did. Reads [token_store] and [journal] only: no credential of an API is looked at.
// `store.rekey_incomplete` (conflict) if one is left under another key.
Result<void> rekey_store(const CommonOptions& common);

}  // namespace countersign::cli
