// PostgreSQL (15 or newer) behind RAII: one connection, prepared statements, transactions; every
// SQLSTATE is an Error of ours. Knows nothing of what is stored.
//
// Made for a thread that may block (core/worker.h), but never longer than it was told: libpq is
// driven without blocking and every statement has a deadline. (One thing cannot be bounded from
// here: looking a host name up. Name `hostaddr` beside `host` where that matters.) The server is
// told the same limits, so that it gives up first and the connection stays usable; if it is silent
// too, the connection is dropped.
//
// A lost connection is replaced at the next use. What was under way fails with `store.unavailable`,
// and then nobody can say whether the server did it: statements are written so that this does not
// matter. Nothing is repeated here.
//
// A Postgres and what was made from it belong to one thread at a time. Not here: a pool, an
// asynchronous interface, LISTEN.
//
// Unqualified names are those of the schema `countersign` (postgres_schema), which migrate() makes.
// Sessions rely on their settings and prepared statements: a pooler in between must keep one server
// connection for each of ours.
//
// Errors, by code (those of sqlite.h, where they mean the same):
//   store.busy              unavailable    a lock was not had in time, or a statement took too long
//   store.full              unavailable
//   store.io_error          unavailable
//   store.unavailable       unavailable    not reached, shutting down, out of connections or memory
//   store.read_only         misconfigured  a standby, or a missing privilege
//   store.bad_conninfo      misconfigured  the description of the connection
//   store.corrupt           corrupt        damaged data, or a column of an unexpected type
//   store.duplicate         conflict       a UNIQUE or PRIMARY KEY constraint
//   store.constraint        conflict       any other constraint
//   store.too_large         too_large
//   store.sql               internal       the statement is wrong: a mistake in our code
// No error holds a password or a value that was stored or bound.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"
#include "core/secret.h"
#include "store/postgres_conninfo.h"
#include "store/postgres_rows.h"
#include "store/postgres_value.h"

namespace countersign::store {

inline constexpr std::string_view postgres_schema = "countersign";

struct PostgresOptions {
  // A libpq connection string or URI, without a password: "host=db.example dbname=pay
  // sslmode=verify-full sslrootcert=…". See postgres_conninfo.h.
  std::string conninfo;
  Secret password;  // empty: none (peer, certificate, or what libpq finds by itself)
  std::chrono::milliseconds connect_timeout{3000};
  // Of one statement, its answer included. The server is given seven eighths of it, and half of it
  // for each lock.
  std::chrono::milliseconds statement_timeout{2000};
  // A transaction that waits longer for our next statement is ended by the server.
  std::chrono::milliseconds idle_in_transaction_timeout{10'000};
  // After a failed attempt to connect, uses within this time fail at once, so that a host that does
  // not answer costs its callers little.
  std::chrono::milliseconds reconnect_pause{250};
  std::string application_name = "countersign";  // as pg_stat_activity shows it
  size_t statements_kept_max = 128;              // prepared; more are sent in full each time
};

class PostgresTransaction;

class Postgres final {
 public:
  // Connects. `clock` outlives it.
  static Result<std::unique_ptr<Postgres>> open(PostgresOptions options, const Clock& clock);
  // The same, but connects at the first use: for a program that starts while the server is away.
  // Errors: `store.bad_conninfo`.
  static Result<std::unique_ptr<Postgres>> open_later(PostgresOptions options, const Clock& clock);
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // One statement with its parameters $1, $2, …; all its rows. Prepared at its first use. A result
  // is held in memory as a whole: statements bound what they ask for.
  //
  //   CS_TRY(PostgresRows rows, db.query("SELECT id, note FROM keys WHERE client = $1", client));
  //   while (rows.next()) use(rows.integer(0), rows.optional_text(1));
  //   CS_CHECK(rows.check());
  template <typename... Values>
  Result<PostgresRows> query(std::string_view sql, const Values&... values) {
    return query_with(sql, {PostgresValue(values)...});
  }
  Result<PostgresRows> query_with(std::string_view sql, const std::vector<PostgresValue>& values);
  // For statements without rows. The number of rows changed.
  template <typename... Values>
  Result<int64_t> run(std::string_view sql, const Values&... values) {
    CS_TRY(const PostgresRows rows, query_with(sql, {PostgresValue(values)...}));
    return rows.changes();
  }
  // The first column of the first row; nullopt if there is no row or it is NULL.
  template <typename... Values>
  Result<std::optional<int64_t>> query_integer(std::string_view sql, const Values&... values) {
    CS_TRY(PostgresRows rows, query_with(sql, {PostgresValue(values)...}));
    return rows.first_integer();
  }
  // Any number of statements without parameters, for migrations. Text is sent as it is.
  Result<void> execute(std::string_view sql);

  bool in_transaction() const;  // of the session at the server
  // For messages: "dbname at host". No password.
  const std::string& name() const { return name_; }
  // Of the session at the server; 0 while there is none.
  int backend_pid() const;

 private:
  friend class PostgresTransaction;
  struct Session;
  Postgres(PostgresOptions options, Conninfo conninfo, const Clock& clock);
  static Result<std::unique_ptr<Postgres>> make(PostgresOptions options, const Clock& clock);

  Result<void> ensure_connected();
  Result<void> connect();
  Result<void> connect_to(const PostgresTarget& target, BootTime deadline);
  Result<std::string> prepare(std::string_view sql, const std::vector<PostgresValue>& values,
                              BootTime deadline);
  Result<PostgresRows> collect(BootTime deadline);
  Result<void> wait(short events, BootTime deadline);
  std::unexpected<Error> lost();
  void drop();

  PostgresOptions options_;
  const Clock& clock_;
  Conninfo conninfo_;
  std::string name_;
  std::unique_ptr<Session> session_;  // null while there is no connection
  // A transaction is open here; `torn_` if its session was lost, so that what follows in it cannot
  // run outside of it on another.
  bool in_ours_ = false;
  bool torn_ = false;
  std::optional<Error> last_failure_;
  BootTime failed_at_{};
};

// A transaction (READ COMMITTED); rolled back by the destructor unless commit() was called. It
// holds locks: no waiting for anything else inside.
class PostgresTransaction final {
 public:
  static Result<PostgresTransaction> begin(Postgres& database);

  PostgresTransaction(PostgresTransaction&& other) noexcept;
  PostgresTransaction& operator=(PostgresTransaction&& other) = delete;
  ~PostgresTransaction();

  // When this returns a value, what was written is durable. `store.unavailable`: it may or may not
  // have been. Any other error: it was rolled back.
  Result<void> commit();

 private:
  explicit PostgresTransaction(Postgres& database) : database_(&database) {}
  Postgres* database_;
};

}  // namespace countersign::store
