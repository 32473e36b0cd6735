#include "store/migrations.h"

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/digest.h"

namespace countersign::store {
namespace {

constexpr std::string_view create_table =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "  number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, applied_at TEXT NOT "
    "NULL"
    ") STRICT";

struct Applied {
  int64_t number;
  std::string name;
  Bytes sha256;
};

Bytes digest_of(const Migration& migration) {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(migration.sql));
  return {digest.begin(), digest.end()};
}

std::unexpected<Error> altered(const Database& database, int64_t number, std::string_view name) {
  return fail(ErrorKind::misconfigured, "store.schema_altered",
              "the database \"" + database.path() +
                  "\" was made by another program or version: its migration " +
                  std::to_string(number) + " (" + std::string(name) +
                  ") is not the one known here");
}

Result<std::vector<Applied>> read_applied(Database& database) {
  std::vector<Applied> applied;
  CS_TRY(const auto exists,
         database.query_integer("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'"));
  if (!exists) return applied;
  CS_TRY(Statement rows,
         database.prepare("SELECT number, name, sha256 FROM schema_migrations ORDER BY number"));
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return applied;
    applied.push_back({rows.integer(0), rows.text(1), rows.blob(2)});
  }
}

// How many of `migrations` the database has, if what it has is exactly their beginning.
Result<size_t> count_applied(Database& database, std::span<const Migration> migrations) {
  CS_TRY(const auto applied, read_applied(database));
  for (size_t i = 0; i < applied.size(); ++i) {
    if (i >= migrations.size()) {
      return fail(ErrorKind::misconfigured, "store.schema_too_new",
                  "the database \"" + database.path() + "\" has migration " +
                      std::to_string(applied[i].number) + " (" + applied[i].name +
                      "), which this program does not know; use the newer program that made it");
    }
    const Migration& known = migrations[i];
    if (applied[i].number != known.number || applied[i].name != known.name ||
        applied[i].sha256 != digest_of(known)) {
      return altered(database, applied[i].number, applied[i].name);
    }
  }
  return applied.size();
}

Result<void> apply(Database& database, const Migration& migration) {
  CS_CHECK(database.execute(migration.sql));
  if (!database.in_transaction()) {
    return fail(ErrorKind::internal, "store.sql", "the database refused a statement",
                "a migration must not end its transaction");
  }
  return database.run(
      "INSERT INTO schema_migrations (number, name, sha256, applied_at) "
      "VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
      int64_t{migration.number}, migration.name, ByteView(digest_of(migration)));
}

}  // namespace

Result<void> migrate(Database& database, std::span<const Migration> migrations) {
  for (size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].number != static_cast<int>(i) + 1)
      panic("migrations are numbered 1, 2, 3, …");
  }
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
