#include "store/postgres_migrations.h"

#include <algorithm>
#include <vector>

namespace countersign::store {
namespace {

// Ours among a database's advisory locks: "csmigr" in ASCII.
constexpr int64_t lock_number = 0x63736d696772;

// Each waits for the lock for half of statement_timeout.
constexpr int attempts_max = 10;

constexpr std::string_view create_table =
    "CREATE TABLE IF NOT EXISTS countersign.schema_migrations ("
    "  part TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, sha256 BYTEA NOT NULL,"
    "  applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (part, number))";

Result<size_t> count_applied(Postgres& database, std::string_view part,
                             std::span<const Migration> migrations) {
  std::vector<AppliedMigration> applied;
  CS_TRY(const auto exists,
         database.query_integer("SELECT 1::bigint WHERE to_regclass($1) IS NOT NULL",
                                "countersign.schema_migrations"));
  if (!exists) return 0;
  CS_TRY(PostgresRows rows,
         database.query("SELECT number, name, sha256 FROM countersign.schema_migrations "
                        "WHERE part = $1 ORDER BY number",
                        part));
  while (rows.next()) applied.push_back({rows.integer(0), rows.text(1), rows.blob(2)});
  CS_CHECK(rows.check());
  return count_applied(applied, migrations, database.name());
}

// CREATE SCHEMA IF NOT EXISTS wants the privilege even where there is nothing to do.
Result<void> make_schema(Postgres& database) {
  CS_TRY(const auto exists,
         database.query_integer("SELECT 1::bigint FROM pg_namespace WHERE nspname = $1",
                                postgres_schema));
  if (!exists) CS_CHECK(database.execute("CREATE SCHEMA countersign"));
  return database.execute(create_table);
}

Result<void> apply(Postgres& database, std::string_view part, const Migration& migration) {
  CS_CHECK(database.execute(migration.sql));
  if (!database.in_transaction()) return fail(left_its_transaction());
  CS_CHECK(database.run(
      "INSERT INTO countersign.schema_migrations (part, number, name, sha256) VALUES ($1, $2, $3, "
      "$4)",
      part, migration.number, migration.name, digest_of(migration)));
  return {};
}

// One step, in its own transaction: how many are applied after it.
Result<size_t> apply_next(Postgres& database, std::string_view part,
                          std::span<const Migration> migrations) {
  CS_TRY(PostgresTransaction transaction, PostgresTransaction::begin(database));
  CS_CHECK(database.query("SELECT pg_advisory_xact_lock($1)", lock_number));
  CS_CHECK(make_schema(database));
  // Read again under the lock: another process may have been faster.
  CS_TRY(const size_t next, count_applied(database, part, migrations));
  if (next < migrations.size()) CS_CHECK(apply(database, part, migrations[next]));
  CS_CHECK(transaction.commit());
  return std::min(next + 1, migrations.size());
}

}  // namespace

Result<void> migrate(Postgres& database, std::string_view part,
                     std::span<const Migration> migrations) {
  require_numbered(migrations);
  CS_TRY(size_t done, count_applied(database, part, migrations));
  for (int attempt = 1; done < migrations.size();) {
    auto now_done = apply_next(database, part, migrations);
    if (now_done) {
      done = *now_done;
    } else if (now_done.error().code != "store.busy" || attempt++ >= attempts_max) {
      return fail(std::move(now_done).error());
    }
  }
  return {};
}

}  // namespace countersign::store
