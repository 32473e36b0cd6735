#include "store/migrations.h"

#include <algorithm>
#include <vector>

namespace countersign::store {
namespace {

constexpr std::string_view create_table =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "  number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at TEXT NOT "
    "NULL"
    ") STRICT";

Result<size_t> count_applied(Database& database, std::span<const Migration> migrations) {
  std::vector<AppliedMigration> applied;
  CS_TRY(const auto exists,
         database.query_integer("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'"));
  if (!exists) return 0;
  CS_TRY(Statement rows,
         database.prepare("SELECT number, name, sha256 FROM schema_migrations ORDER BY number"));
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return count_applied(applied, migrations, database.path());
    applied.push_back({rows.integer(0), rows.text(1), rows.blob(2)});
  }
}

Result<void> apply(Database& database, const Migration& migration) {
  CS_CHECK(database.execute(migration.sql));
  if (!database.in_transaction()) return fail(left_its_transaction());
  return database.run(
      "INSERT INTO schema_migrations (number, name, sha256, applied_at) "
      "VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
      int64_t{migration.number}, migration.name, ByteView(digest_of(migration)));
}

}  // namespace

Result<void> migrate(Database& database, std::span<const Migration> migrations) {
  require_numbered(migrations);
  // Without the write lock first: most starts find nothing to do.
  CS_TRY(size_t done, count_applied(database, migrations));
  while (done < migrations.size()) {
    CS_TRY(Transaction transaction, Transaction::begin(database));
    CS_CHECK(database.execute(create_table));
    // Read again under the lock: another process may have been faster.
    CS_TRY(const size_t next, count_applied(database, migrations));
    if (next < migrations.size()) CS_CHECK(apply(database, migrations[next]));
    CS_CHECK(transaction.commit());
    done = std::min(next + 1, migrations.size());
  }
  return {};
}

}  // namespace countersign::store
