// Numbered changes of a PostgreSQL schema, applied on start (migration_list.h).
//
// Everything is in the schema `countersign` of the database that the connection names; to keep two
// installations apart, give each a database. The schema is made if it is not there, for which the
// role needs CREATE on the database; where an administrator makes it, it must belong to that role.
// Parts that share a database (tokens, journal, …) count their migrations each for themselves.

#pragma once

#include <span>
#include <string_view>

#include "core/result.h"
#include "store/migration_list.h"
#include "store/postgres.h"

namespace countersign::store {

// Applies those that the database lacks, in order, one transaction each, under an advisory lock.
// Any number of processes may do so at once: each migration is applied by exactly one of them and
// the others wait for it (for a few times statement_timeout, then `store.busy`). A database that
// has all of them is only read. `part`: "tokens".
//
// `store.schema_too_new`, `store.schema_altered`: as for SQLite.
Result<void> migrate(Postgres& database, std::string_view part,
                     std::span<const Migration> migrations);

}  // namespace countersign::store
