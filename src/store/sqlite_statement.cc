// Statement: binding, stepping and reading. Errors are remembered until the next step().

#include <utility>

#include <sqlite3.h>

#include "store/sqlite.h"

namespace countersign::store {

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      handle_(std::exchange(other.handle_, nullptr)),
      bind_error_(other.bind_error_),
      type_error_(other.type_error_) {}

Statement::~Statement() {
  database_->give_back(handle_);
}

void Statement::note(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(int index, int64_t value) {
  note(sqlite3_bind_int64(handle_, index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL; the empty text is not NULL.
  note(sqlite3_bind_text64(handle_, index, text.data() ? text.data() : "", text.size(),
                           SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int index, ByteView bytes) {
  note(bytes.empty()
           ? sqlite3_bind_zeroblob(handle_, index, 0)
           : sqlite3_bind_blob64(handle_, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(int index, WallTime time) {
  return bind(index, int64_t{time.time_since_epoch().count()});
}

Statement& Statement::bind_null(int index) {
  note(sqlite3_bind_null(handle_, index));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) {
    const int code = std::exchange(bind_error_, SQLITE_OK);
    return fail(database_->error_of(code));
  }
  CS_CHECK(check_row());
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_);  // lets go of its snapshot or lock
    return false;
  }
  Error error = database_->error_of(code);
  sqlite3_reset(handle_);
  return fail(std::move(error));
}

Result<void> Statement::run() {
  for (;;) {
    auto more = step();
    if (!more || !*more) reset();
    if (!more) return fail(std::move(more).error());
    if (!*more) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  bind_error_ = SQLITE_OK;
  type_error_ = false;
}

bool Statement::expect(int column, int type) {
  if (sqlite3_column_type(handle_, column) == type) return true;
  type_error_ = true;
  return false;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

int64_t Statement::integer(int column) {
  return expect(column, SQLITE_INTEGER) ? sqlite3_column_int64(handle_, column) : 0;
}

std::string Statement::text(int column) {
  if (!expect(column, SQLITE_TEXT)) return {};
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {text, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

Bytes Statement::blob(int column) {
  if (!expect(column, SQLITE_BLOB)) return {};
  const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(handle_, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_, column));
  return bytes ? Bytes(bytes, bytes + size) : Bytes();
}

std::optional<int64_t> Statement::optional_integer(int column) {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::optional_text(int column) {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<WallTime> Statement::optional_time(int column) {
  if (is_null(column)) return std::nullopt;
  return time(column);
}

Result<void> Statement::check_row() const {
  if (!type_error_) return {};
  return fail(ErrorKind::corrupt, "store.corrupt", "stored data is damaged",
              "a column of \"" + database_->path() + "\" has an unexpected type");
}

}  // namespace countersign::store
