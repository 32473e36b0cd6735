// Numbered changes of a SQLite schema, applied on start. A database remembers number, name and
// digest of what it was given, so that a program meets either the schema it was written for or an
// error that says what is wrong.

#pragma once

#include <span>
#include <string_view>

#include "core/result.h"
#include "store/sqlite.h"

namespace countersign::store {

struct Migration {
  int number;             // 1, 2, 3, … without gaps
  std::string_view name;  // "registry", for people
  std::string_view
      sql;  // any number of statements; no BEGIN or COMMIT. Never edited once released.
};

// Applies those that the database lacks, in order, one BEGIN IMMEDIATE transaction each. Any number
// of processes may do so at once: each migration is applied by exactly one of them and the others
// wait for it (up to the database's busy_timeout). A database that has all of them is only read.
//
// `store.schema_too_new` (misconfigured): the database has a migration that is not in `migrations`.
// `store.schema_altered` (misconfigured): one was applied with another name or text, or is missing
// in between.
Result<void> migrate(Database& database, std::span<const Migration> migrations);

}  // namespace countersign::store
