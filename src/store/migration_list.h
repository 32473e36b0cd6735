// Numbered changes of a schema, and what a database remembers of those it was given: number, name
// and digest, so that a program meets either the schema it was written for or an error that says
// what is wrong. What is alike for SQLite (migrations.h) and PostgreSQL (postgres_migrations.h).

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace countersign::store {

struct Migration {
  int number;             // 1, 2, 3, … without gaps
  std::string_view name;  // "registry", for people
  std::string_view
      sql;  // any number of statements; no BEGIN or COMMIT. Never edited once released.
};

struct AppliedMigration {
  int64_t number = 0;
  std::string name = {};
  Bytes sha256 = {};
};

Bytes digest_of(const Migration& migration);

// How many of `migrations` a database has, if what it has (in order) is exactly their beginning.
// `database` names it in errors: `store.schema_too_new`, `store.schema_altered`.
Result<size_t> count_applied(std::span<const AppliedMigration> applied,
                             std::span<const Migration> migrations, std::string_view database);

// Aborts if they are not numbered 1, 2, 3, …
void require_numbered(std::span<const Migration> migrations);

// A migration ended the transaction that it runs in: a mistake in our code.
Error left_its_transaction();

}  // namespace countersign::store
