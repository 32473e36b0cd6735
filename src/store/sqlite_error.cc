#include "store/sqlite_error.h"

#include <string>

#include <sqlite3.h>

namespace countersign::store {
namespace {

struct Row {
  ErrorKind kind;
  std::string_view code;
  std::string_view public_text;
};

constexpr Row row_of(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return {ErrorKind::conflict, "store.duplicate", "this is recorded already"};
    case SQLITE_READONLY_DBMOVED:
      return {ErrorKind::unavailable, "store.unavailable", "the database cannot be reached"};
    default:
      break;
  }
  switch (code & 0xff) {  // the primary code
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorKind::unavailable, "store.busy", "the database is busy; try again"};
    case SQLITE_FULL:
      return {ErrorKind::unavailable, "store.full", "the database has no space left"};
    case SQLITE_IOERR:
      return {ErrorKind::unavailable, "store.io_error", "the database cannot be read or written"};
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return {ErrorKind::unavailable, "store.unavailable", "the database cannot be reached"};
    case SQLITE_INTERRUPT:
      return {ErrorKind::cancelled, "store.interrupted", "the database operation was given up"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorKind::misconfigured, "store.read_only", "the database may not be written"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::corrupt, "store.corrupt", "stored data is damaged"};
    case SQLITE_CONSTRAINT:
      return {ErrorKind::conflict, "store.constraint", "this contradicts what is recorded"};
    case SQLITE_TOOBIG:
      return {ErrorKind::too_large, "store.too_large", "this is too large to be recorded"};
    default:
      return {ErrorKind::internal, "store.sql", "the database refused a statement"};
  }
}

}  // namespace

Error sqlite_error(int code, std::string_view message, std::string_view path) {
  const Row row = row_of(code);
  std::string detail(path);
  detail.append(": ").append(message).append(" [").append(std::to_string(code)).append("]");
  return make_error(row.kind, row.code, row.public_text, detail);
}

}  // namespace countersign::store
