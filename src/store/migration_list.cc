#include "store/migration_list.h"

#include "crypto/digest.h"

namespace countersign::store {

Bytes digest_of(const Migration& migration) {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(migration.sql));
  return {digest.begin(), digest.end()};
}

Result<size_t> count_applied(std::span<const AppliedMigration> applied,
                             std::span<const Migration> migrations, std::string_view database) {
  const std::string which = "the database \"" + std::string(database) + "\" ";
  for (size_t i = 0; i < applied.size(); ++i) {
    const std::string its = std::to_string(applied[i].number) + " (" + applied[i].name + ")";
    if (i >= migrations.size()) {
      return fail(ErrorKind::misconfigured, "store.schema_too_new",
                  which + "has migration " + its +
                      ", which this program does not know; use the newer program that made it");
    }
    const Migration& known = migrations[i];
    if (applied[i].number != known.number || applied[i].name != known.name ||
        applied[i].sha256 != digest_of(known)) {
      return fail(ErrorKind::misconfigured, "store.schema_altered",
                  which + "was made by another program or version: its migration " + its +
                      " is not the one known here");
    }
  }
  return applied.size();
}

void require_numbered(std::span<const Migration> migrations) {
  for (size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].number != static_cast<int>(i) + 1)
      panic("migrations are numbered 1, 2, 3, …");
  }
}

Error left_its_transaction() {
  return make_error(ErrorKind::internal, "store.sql", "the database refused a statement",
                    "a migration must not end its transaction");
}

}  // namespace countersign::store
