// SQLite behind RAII: a database file, prepared statements, transactions; every result code is an
// Error of ours. Knows nothing of what is stored: the registry and the payment API bring their own
// tables (migrations.h).
//
// A Database and what was made from it belong to one thread at a time. Only interrupt() may come
// from another. Not here: a pool, an asynchronous interface. Threads that want to work side by side
// open the file once each.
//
// Errors, by code:
//   store.busy              unavailable    another connection held its lock beyond busy_timeout
//   store.full              unavailable    the disk, or a limit on the file's size
//   store.io_error          unavailable
//   store.unavailable       unavailable    the file went away, or no descriptors or memory are left
//   store.interrupted       cancelled      interrupt() was called
//   store.read_only         misconfigured  the file or its folder may not be written
//   store.file_permissions  misconfigured  not a regular file, or others may read or write it
//   store.no_wal            misconfigured  a file system without shared memory
//   store.corrupt           corrupt        not a database, a damaged page, an unexpected type
//   store.duplicate         conflict       a UNIQUE or PRIMARY KEY constraint
//   store.constraint        conflict       any other constraint
//   store.too_large         too_large
//   store.sql               internal       the statement is wrong: a mistake in our code

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace countersign::store {

class Database;

// What a commit has survived when commit() returns.
enum class Durability {
  full,    // kill -9 and loss of power: one fsync a commit
  normal,  // kill -9; a loss of power may undo the last commits, never damage the file
};

struct DatabaseOptions {
  bool create = true;  // make the file (mode 0600) if it is not there
  bool read_only = false;
  Durability durability = Durability::full;
  // How long a statement waits for another connection's lock. SQLite polls meanwhile: the thread is
  // blocked.
  std::chrono::milliseconds busy_timeout{5000};
  // Statements kept prepared for the next use of the same text; more are prepared anew each time.
  size_t statements_kept_max = 128;
};

// A prepared statement, from Database::prepare(). bind() starts at 1, columns at 0, as in SQLite.
//
//   CS_TRY(auto rows, db.prepare("SELECT id, note FROM keys WHERE client = ?1"));
//   rows.bind(1, client_id);
//   for (;;) {
//     CS_TRY(const bool more, rows.step());
//     if (!more) break;
//     use(rows.integer(0), rows.optional_text(1));
//   }
//
// Errors of bind() and columns of an unexpected type are remembered and returned by the next step()
// or check_row(), so that a row can be read without a test at each column.
class Statement final {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) = delete;
  ~Statement();

  // The text or bytes are copied. nullopt binds NULL.
  Statement& bind(int index, int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, ByteView bytes);
  Statement& bind(int index, bool value) { return bind(index, int64_t{value}); }
  Statement& bind(int index, int value) { return bind(index, int64_t{value}); }
  Statement& bind(int index, WallTime time);  // microseconds since 1970, as INTEGER
  Statement& bind_null(int index);
  template <typename T>
  Statement& bind(int index, const std::optional<T>& value) {
    return value ? bind(index, *value) : bind_null(index);
  }
  // The values in order, from index 1.
  template <typename... Values>
  Statement& bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  // True: there is a row to read. False: it is done; the next step() would start over.
  Result<bool> step();
  // To the end, ignoring rows; then it is ready to be bound and run again.
  Result<void> run();
  void reset();  // bindings are cleared too

  bool is_null(int column) const;
  int64_t integer(int column);
  bool boolean(int column) { return integer(column) != 0; }
  std::string text(int column);
  Bytes blob(int column);
  WallTime time(int column) { return WallTime(std::chrono::microseconds(integer(column))); }
  std::optional<int64_t> optional_integer(int column);
  std::optional<std::string> optional_text(int column);
  std::optional<WallTime> optional_time(int column);

  // `store.corrupt` if a column read since the last step() did not have the type it was read as.
  Result<void> check_row() const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* handle) : database_(&database), handle_(handle) {}
  void note(int code);
  bool expect(int column, int type);

  Database* database_;
  sqlite3_stmt* handle_;
  int bind_error_ = 0;
  bool type_error_ = false;
};

class Database final {
 public:
  // Opens (or makes) the file with: WAL, the durability asked for, foreign keys enforced, SQL
  // functions of the schema untrusted, defensive mode, no double-quoted string literals, no
  // extensions. A file that its group or others may read or write is refused
  // (`store.file_permissions`), and so are its -wal and -shm files. `path` is a file name, not a
  // URI. ":memory:" makes a private database that vanishes with this object.
  static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                const DatabaseOptions& options = {});

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // One statement. Reuses one that was prepared from the same text before.
  Result<Statement> prepare(std::string_view sql);
  // Any number of statements without parameters, for schemas and pragmas.
  Result<void> execute(std::string_view sql);
  // prepare, bind_all, run.
  template <typename... Values>
  Result<void> run(std::string_view sql, const Values&... values) {
    CS_TRY(Statement statement, prepare(sql));
    return statement.bind_all(values...).run();
  }
  // The first column of the first row; nullopt if there is no row or it is NULL.
  template <typename... Values>
  Result<std::optional<int64_t>> query_integer(std::string_view sql, const Values&... values) {
    CS_TRY(Statement statement, prepare(sql));
    CS_TRY(const bool found, statement.bind_all(values...).step());
    if (!found) return std::nullopt;
    std::optional<int64_t> value = statement.optional_integer(0);
    CS_CHECK(statement.check_row());
    return value;
  }

  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t changes() const;
  bool in_transaction() const;
  const std::string& path() const { return path_; }

  // Ends what another thread runs on this Database as soon as possible, with `store.interrupted`;
  // what it had begun to write is rolled back. The caller makes sure that the Database is not
  // destroyed meanwhile.
  void interrupt();

 private:
  friend class Statement;
  struct StatementCache;
  Database(std::string path, const DatabaseOptions& options);
  Result<void> connect(const DatabaseOptions& options);
  Result<void> configure(const DatabaseOptions& options);
  Result<void> switch_to_wal(std::chrono::milliseconds patience);
  void give_back(sqlite3_stmt* statement);
  Error error_of(int code) const;

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::unique_ptr<StatementCache> cache_;
};

// A transaction; rolled back by the destructor unless commit() succeeded.
//
//   CS_TRY(Transaction transaction, Transaction::begin(db));
//   …
//   return transaction.commit();
class Transaction final {
 public:
  // BEGIN IMMEDIATE: takes the write lock at once, so that what is read cannot change before it is
  // written and `store.busy` can only come from here.
  static Result<Transaction> begin(Database& database);
  // One consistent view for several reads; takes no lock that writers would notice.
  static Result<Transaction> begin_read(Database& database);

  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&& other) = delete;
  ~Transaction();

  // When this returns a value, what was written is as durable as DatabaseOptions::durability says.
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace countersign::store
