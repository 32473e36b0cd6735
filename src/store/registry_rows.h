// Records of the registry as rows of its SQLite tables. For sqlite_registry_store.cc.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "store/registry_records.h"
#include "store/sqlite.h"

namespace countersign::store {

// The queries end before their WHERE clause. The read functions take the row that the statement
// stands on.
extern const std::string_view select_clients;
extern const std::string_view select_keys;
extern const std::string_view select_secrets;
extern const std::string_view select_cut_offs;

Result<ClientRecord> read_client(Statement& row);
Result<KeyRecord> read_key(Statement& row);
Result<SecretRecord> read_secret(Statement& row);
Result<CutOffRecord> read_cut_off(Statement& row);

// `store.duplicate` if the id, or one of the client's certificates, is there.
Result<void> insert_client(Database& database, const ClientRecord& client);
Result<void> insert_certificates(Database& database, const ClientRecord& client);
Result<void> insert_key(Database& database, const KeyRecord& key);
Result<void> insert_secret(Database& database, const SecretRecord& secret);
// Over an older one of the same subject the later time of issue and the later expiry win.
Result<void> merge_cut_off(Database& database, const Revocation& revocation);

// Every row of a bound statement.
template <typename Record>
Result<std::vector<Record>> read_all(Statement& rows, Result<Record> (*read)(Statement&)) {
  std::vector<Record> records;
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return records;
    CS_TRY(records.emplace_back(), read(rows));
  }
}

// The only row, if there is one.
template <typename Record>
Result<std::optional<Record>> read_one(Statement& rows, Result<Record> (*read)(Statement&)) {
  CS_TRY(const bool found, rows.step());
  if (!found) return std::nullopt;
  CS_TRY(Record record, read(rows));
  return std::optional<Record>(std::move(record));
}

}  // namespace countersign::store
