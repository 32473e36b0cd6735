#include "store/postgres.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include <poll.h>

#include "store/libpq.h"
#include "store/postgres_error.h"

namespace countersign::store {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;

// How often what the server sent on its own is looked at before a statement: a farewell is one or
// two packets.
constexpr int stale_reads_max = 4;

constexpr std::string_view torn_text =
    "the connection was lost within a transaction; nothing of it counts";

Oid oid_of(PostgresValue::Type type) {
  switch (type) {
    case PostgresValue::Type::integer:
      return 20;  // int8
    case PostgresValue::Type::boolean:
      return 16;
    case PostgresValue::Type::text:
      return 25;
    case PostgresValue::Type::bytes:
      return 17;  // bytea
  }
  panic("a PostgresValue without a type");
}

// libpq's messages end in a line end and may have several lines.
std::string one_line(std::string_view message) {
  std::string line(message);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  return line;
}

std::string_view field(const PGresult* result, int code) {
  const char* text = libpq().result_error_field(result, code);
  return text != nullptr ? text : "";
}

std::string server_settings(const PostgresOptions& options) {
  const auto set = [](std::string_view name, milliseconds value) {
    return " -c " + std::string(name) + "=" + std::to_string(std::max<int64_t>(value.count(), 1));
  };
  // pg_temp last, so that nothing temporary hides a table of ours.
  return "-c search_path=" + std::string(postgres_schema) + ",pg_temp" +
         set("statement_timeout", options.statement_timeout * 7 / 8) +
         set("lock_timeout", options.statement_timeout / 2) +
         set("idle_in_transaction_session_timeout", options.idle_in_transaction_timeout);
}

// Names and values for PQconnectStartParams(); zeroes the password's copy.
class ConnectParameters final {
 public:
  // Room for all of libpq's: growing would leave copies of the password behind.
  ConnectParameters() { values_.reserve(64); }
  ~ConnectParameters() {
    for (std::string& value : values_) wipe(value);
  }
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    names_.emplace_back(name);
    values_.emplace_back(value);
  }
  PGconn* start() const {
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const std::string& name : names_) names.push_back(name.c_str());
    for (const std::string& value : values_) values.push_back(value.c_str());
    names.push_back(nullptr);
    values.push_back(nullptr);
    return libpq().connect_start_params(names.data(), values.data(), /*expand_dbname=*/0);
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> values_;
};

}  // namespace

struct Postgres::Session {
  explicit Session(PGconn* started) : connection(started) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { libpq().finish(connection); }

  PGconn* connection;
  std::unordered_map<std::string, std::string> prepared;  // text and types to name
};

Postgres::Postgres(PostgresOptions options, Conninfo conninfo, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      conninfo_(std::move(conninfo)),
      name_(conninfo_.name()) {}

Postgres::~Postgres() = default;

Result<std::unique_ptr<Postgres>> Postgres::make(PostgresOptions options, const Clock& clock) {
  CS_TRY(Conninfo conninfo, Conninfo::parse(options.conninfo));
  if (options.password.unsafe_reveal_text().find('\0') != std::string_view::npos) {
    return fail(ErrorKind::misconfigured, "store.bad_conninfo",
                "the database's password has a zero byte");
  }
  return std::unique_ptr<Postgres>(new Postgres(std::move(options), std::move(conninfo), clock));
}

Result<std::unique_ptr<Postgres>> Postgres::open(PostgresOptions options, const Clock& clock) {
  CS_TRY(auto database, make(std::move(options), clock));
  CS_CHECK(database->connect());
  return database;
}

Result<std::unique_ptr<Postgres>> Postgres::open_later(PostgresOptions options,
                                                       const Clock& clock) {
  return make(std::move(options), clock);
}

bool Postgres::in_transaction() const {
  if (!session_) return false;
  const PGTransactionStatusType status = libpq().transaction_status(session_->connection);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

int Postgres::backend_pid() const {
  return session_ ? libpq().backend_pid(session_->connection) : 0;
}

void Postgres::drop() {
  session_ = nullptr;
  torn_ = in_ours_;
}

// What libpq says about the connection; which is given up.
std::unexpected<Error> Postgres::lost() {
  std::string detail = name_;
  if (session_) detail += ": " + one_line(libpq().error_message(session_->connection));
  drop();
  return fail(ErrorKind::unavailable, "store.unavailable", "the database cannot be reached",
              detail);
}

Result<void> Postgres::wait(short events, BootTime deadline) {
  for (;;) {
    const BootClock::duration left = deadline - clock_.boot_now();
    pollfd watched{libpq().socket(session_->connection), events, 0};
    if (watched.fd < 0) return lost();
    const int ready = left.count() > 0
                          ? poll(&watched, 1, static_cast<int>(ceil<milliseconds>(left).count()))
                          : 0;
    if (ready > 0) return {};
    if (ready < 0 && errno == EINTR) continue;
    // The answer would come to a statement that nobody waits for any more.
    drop();
    return fail(ErrorKind::unavailable, "store.unavailable", "the database cannot be reached",
                name_ + ": no answer in time");
  }
}

Result<void> Postgres::ensure_connected() {
  if (in_ours_ && torn_) {
    return fail(ErrorKind::unavailable, "store.unavailable", "the database cannot be reached",
                name_ + ": " + std::string(torn_text));
  }
  if (!session_) return connect();
  // A server that was restarted has said so meanwhile: better seen now than by a lost statement.
  for (int reads = 0; reads < stale_reads_max; ++reads) {
    pollfd watched{libpq().socket(session_->connection), POLLIN, 0};
    if (watched.fd >= 0 && poll(&watched, 1, 0) == 0) return {};
    if (libpq().consume_input(session_->connection) == 0 ||
        libpq().status(session_->connection) != CONNECTION_OK) {
      if (in_ours_) return lost();
      drop();
      return connect();
    }
  }
  return {};
}

// Each of several servers has its share of the time, so that one that is silent does not hide the
// others.
Result<void> Postgres::connect() {
  const BootTime start = clock_.boot_now();
  if (last_failure_ && start < failed_at_ + options_.reconnect_pause) return fail(*last_failure_);
  const auto& targets = conninfo_.targets();
  const BootClock::duration share = options_.connect_timeout / static_cast<int64_t>(targets.size());
  for (const PostgresTarget& target : targets) {
    auto connected = connect_to(target, clock_.boot_now() + share);
    if (connected) {
      last_failure_.reset();
      return {};
    }
    last_failure_ = std::move(connected).error();
  }
  failed_at_ = clock_.boot_now();
  return fail(*last_failure_);
}

Result<void> Postgres::connect_to(const PostgresTarget& target, BootTime deadline) {
  ConnectParameters parameters;
  parameters.add("host", target.host);
  parameters.add("hostaddr", target.hostaddr);
  parameters.add("port", target.port);
  for (const auto& [name, value] : conninfo_.settings()) parameters.add(name, value);
  // A standby that a failover left behind is no place to write to.
  if (!conninfo_.has("target_session_attrs")) parameters.add("target_session_attrs", "read-write");
  if (!conninfo_.has("application_name"))
    parameters.add("application_name", options_.application_name);
  parameters.add("password", options_.password.unsafe_reveal_text());
  parameters.add("client_encoding", "UTF8");
  // Its encryption would come before TLS and skip the verification of the server's certificate.
  parameters.add("gssencmode", "disable");
  parameters.add("options", server_settings(options_));
  session_ = std::make_unique<Session>(parameters.start());
  PGconn* const connection = session_->connection;
  if (connection == nullptr || libpq().status(connection) == CONNECTION_BAD) return lost();
  // Notices would go to standard error.
  libpq().set_notice_receiver(connection, [](void*, const PGresult*) {}, nullptr);
  for (short events = POLLOUT;;) {
    CS_CHECK(wait(events, deadline));
    const PostgresPollingStatusType status = libpq().connect_poll(connection);
    if (status == PGRES_POLLING_OK) break;
    if (status == PGRES_POLLING_FAILED) return lost();
    events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  }
  if (libpq().set_nonblocking(connection, 1) != 0) return lost();
  return {};
}

// Everything that the server answers to what was sent. The first error counts.
Result<PostgresRows> Postgres::collect(BootTime deadline) {
  PGconn* const connection = session_->connection;
  for (int unsent = libpq().flush(connection); unsent != 0; unsent = libpq().flush(connection)) {
    if (unsent < 0) return lost();
    CS_CHECK(wait(POLLIN | POLLOUT, deadline));
    // The server may have to be read before it reads on.
    if (libpq().consume_input(connection) == 0) return lost();
  }
  std::optional<PostgresRows> rows;
  std::optional<Error> error;
  for (bool ends = false;;) {
    while (libpq().is_busy(connection) != 0) {
      CS_CHECK(wait(POLLIN, deadline));
      if (libpq().consume_input(connection) == 0) return lost();
    }
    PGresult* const result = libpq().get_result(connection);
    if (result == nullptr) {
      if (ends || libpq().status(connection) != CONNECTION_OK) drop();
      break;
    }
    const ExecStatusType status = libpq().result_status(result);
    rows.emplace(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
      continue;
    const std::string_view sqlstate = field(result, PG_DIAG_SQLSTATE);
    // Without a state it is libpq that speaks: the connection broke, or it is in COPY.
    if (sqlstate.empty()) return lost();
    ends = ends || ends_session(sqlstate);
    if (!error) error = postgres_error(sqlstate, field(result, PG_DIAG_MESSAGE_PRIMARY), name_);
  }
  if (error) return fail(*std::move(error));
  if (!rows) return lost();
  return *std::move(rows);
}

// The statement's name at the server; empty if as many are kept as may be.
Result<std::string> Postgres::prepare(std::string_view sql,
                                      const std::vector<PostgresValue>& values, BootTime deadline) {
  std::string key(sql);
  for (const PostgresValue& value : values) key += static_cast<char>(value.type());
  auto& prepared = session_->prepared;
  if (const auto found = prepared.find(key); found != prepared.end()) return found->second;
  if (prepared.size() >= options_.statements_kept_max) return std::string();
  std::vector<Oid> types;
  for (const PostgresValue& value : values) types.push_back(oid_of(value.type()));
  std::string statement = "s" + std::to_string(prepared.size());
  if (libpq().send_prepare(session_->connection, statement.c_str(), std::string(sql).c_str(),
                           static_cast<int>(types.size()), types.data()) == 0) {
    return lost();
  }
  CS_CHECK(collect(deadline));
  if (!session_) return lost();
  prepared.emplace(std::move(key), statement);
  return statement;
}

Result<PostgresRows> Postgres::query_with(std::string_view sql,
                                          const std::vector<PostgresValue>& values) {
  CS_CHECK(ensure_connected());
  const BootTime deadline = clock_.boot_now() + options_.statement_timeout;
  CS_TRY(const std::string statement, prepare(sql, values, deadline));
  constexpr uint8_t nothing = 0;  // the empty text is not NULL
  std::vector<const char*> data;
  std::vector<int> sizes;
  std::vector<Oid> types;
  const std::vector<int> formats(values.size(), 1);
  for (const PostgresValue& value : values) {
    const ByteView wire = value.wire();
    data.push_back(value.is_null() ? nullptr
                   : wire.empty()  ? as_text(ByteView(&nothing, 1)).data()
                                   : as_text(wire).data());
    sizes.push_back(static_cast<int>(wire.size()));
    types.push_back(oid_of(value.type()));
  }
  const int count = static_cast<int>(values.size());
  PGconn* const connection = session_->connection;
  const int sent =
      statement.empty()
          ? libpq().send_query_params(connection, std::string(sql).c_str(), count, types.data(),
                                      data.data(), sizes.data(), formats.data(), /*resultFormat=*/1)
          : libpq().send_query_prepared(connection, statement.c_str(), count, data.data(),
                                        sizes.data(), formats.data(), /*resultFormat=*/1);
  if (sent == 0) return lost();
  return collect(deadline);
}

Result<void> Postgres::execute(std::string_view sql) {
  CS_CHECK(ensure_connected());
  const BootTime deadline = clock_.boot_now() + options_.statement_timeout;
  if (libpq().send_query(session_->connection, std::string(sql).c_str()) == 0) return lost();
  CS_CHECK(collect(deadline));
  return {};
}

Result<PostgresTransaction> PostgresTransaction::begin(Postgres& database) {
  if (database.in_ours_) panic("a transaction within a transaction");
  CS_CHECK(database.run("BEGIN ISOLATION LEVEL READ COMMITTED"));
  database.in_ours_ = true;
  database.torn_ = false;
  return PostgresTransaction(database);
}

PostgresTransaction::PostgresTransaction(PostgresTransaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

PostgresTransaction::~PostgresTransaction() {
  if (database_ == nullptr) return;
  // A session that cannot be brought back to order is of no use.
  if (!database_->torn_ && !database_->run("ROLLBACK")) database_->drop();
  database_->in_ours_ = false;
  database_->torn_ = false;
}

Result<void> PostgresTransaction::commit() {
  Postgres& database = *database_;
  const auto committed = database.query("COMMIT");
  if (!committed) {
    // After a lost connection there is nothing to roll back; otherwise the destructor tries.
    return fail(committed.error());
  }
  database.in_ours_ = false;
  database_ = nullptr;
  // A transaction in which a statement had failed is rolled back by COMMIT too, without an error.
  if (committed->command() == "COMMIT") return {};
  return fail(ErrorKind::internal, "store.sql", "the database refused a statement",
              "a transaction with a failed statement was committed");
}

}  // namespace countersign::store
