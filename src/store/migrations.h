// Numbered changes of a SQLite schema, applied on start (migration_list.h).

#pragma once

#include <span>

#include "core/result.h"
#include "store/migration_list.h"
#include "store/sqlite.h"

namespace countersign::store {

// Applies those that the database lacks, in order, one BEGIN IMMEDIATE transaction each. Any number
// of processes may do so at once: each migration is applied by exactly one of them and the others
// wait for it (up to the database's busy_timeout). A database that has all of them is only read.
//
// `store.schema_too_new` (misconfigured): the database has a migration that is not in `migrations`.
// `store.schema_altered` (misconfigured): one was applied with another name or text, or is missing
// in between.
Result<void> migrate(Database& database, std::span<const Migration> migrations);

}  // namespace countersign::store
