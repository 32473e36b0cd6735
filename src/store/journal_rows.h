// What both databases' journals read from their columns.

#pragma once

#include <string_view>

#include "store/journal.h"

namespace countersign::store {

// `store.corrupt` for a text that name_of() does not give, and for another length than a digest's.
Result<JournalState> parse_journal_state(std::string_view text);
Result<crypto::Sha256Digest> to_journal_digest(const Bytes& bytes);

}  // namespace countersign::store
