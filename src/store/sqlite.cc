#include "store/sqlite.h"

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>
#include <sys/stat.h>

#include "store/sqlite_error.h"

namespace countersign::store {
namespace {

constexpr std::string_view memory_path = ":memory:";
constexpr int value_bytes_max = 64 * 1024 * 1024;  // of one text, blob or row: ours are a few KiB
constexpr std::chrono::milliseconds wal_retry_pause{5};

Error file_problem(const std::string& file, const std::string& what) {
  return make_error(ErrorKind::misconfigured, "store.file_permissions",
                    "the database file \"" + file + "\" " + what);
}

// Looks with stat() only: opening and closing the file here would drop the POSIX locks that other
// connections of this process hold on it.
Result<bool> check_private(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    return fail(file_problem(file, std::string("cannot be looked at: ") + std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) return fail(file_problem(file, "is not a regular file"));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(
        file_problem(file, "may be read or written by other users; run: chmod 600 '" + file + "'"));
  }
  return true;
}

// mknod() makes the file without a descriptor, for the same reason. If another process was faster,
// its file is taken.
Result<void> make_private(const std::string& file) {
  if (::mknod(file.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0) == 0 || errno == EEXIST) return {};
  return fail(file_problem(file, std::string("cannot be created: ") + std::strerror(errno) +
                                     "; its folder must exist and be writable by this user"));
}

Result<void> check_files(const std::string& path, const DatabaseOptions& options) {
  CS_TRY(const bool exists, check_private(path));
  if (!exists) {
    if (!options.create || options.read_only) return fail(file_problem(path, "does not exist"));
    CS_CHECK(make_private(path));
    CS_CHECK(check_private(path));
  }
  CS_CHECK(check_private(path + "-wal"));
  CS_CHECK(check_private(path + "-shm"));
  return {};
}

bool only_space(const char* text, const char* end) {
  while (text < end && std::strchr(" \t\r\n;", *text) != nullptr) ++text;
  return text == end;
}

}  // namespace

struct Database::StatementCache {
  explicit StatementCache(size_t statements_max) : kept_max(statements_max) {}
  ~StatementCache() {
    for (const auto& [text, statement] : idle) sqlite3_finalize(statement);
  }
  size_t kept_max;
  std::unordered_multimap<std::string, sqlite3_stmt*> idle;
};

Database::Database(std::string path, const DatabaseOptions& options)
    : path_(std::move(path)),
      cache_(std::make_unique<StatementCache>(options.statements_kept_max)) {}

Database::~Database() {
  cache_.reset();
  sqlite3_close_v2(handle_);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                 const DatabaseOptions& options) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return fail(file_problem(path, "needs a name"));
  }
  // A leading "./" keeps SQLite from reading a name such as "file:x" as a URI.
  const bool plain = path == memory_path || path.front() == '/';
  std::unique_ptr<Database> database(new Database(plain ? path : "./" + path, options));
  if (path != memory_path) CS_CHECK(check_files(database->path_, options));
  CS_CHECK(database->connect(options));
  CS_CHECK(database->configure(options));
  return database;
}

Result<void> Database::connect(const DatabaseOptions& options) {
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) return fail(error_of(code));
  return {};
}

Result<void> Database::configure(const DatabaseOptions& options) {
  sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
  constexpr std::pair<int, int> settings[] = {
      {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      {SQLITE_DBCONFIG_ENABLE_FKEY, 1}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
      {SQLITE_DBCONFIG_DQS_DML, 0},     {SQLITE_DBCONFIG_DQS_DDL, 0},
  };
  for (const auto& [setting, value] : settings) {
    const int code = sqlite3_db_config(handle_, setting, value, nullptr);
    if (code != SQLITE_OK) return fail(error_of(code));
  }
  sqlite3_limit(handle_, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, value_bytes_max);
  // Temporary tables stay in memory, so that nothing is spilt into files elsewhere.
  CS_CHECK(execute("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"));
  CS_CHECK(execute(options.durability == Durability::full ? "PRAGMA synchronous = FULL"
                                                          : "PRAGMA synchronous = NORMAL"));
  if (options.read_only || path_ == memory_path) return {};
  return switch_to_wal(options.busy_timeout);
}

// While several processes make a database at once, SQLite answers "busy" here without waiting,
// because waiting for the exclusive lock could be a deadlock; so the waiting is done here.
Result<void> Database::switch_to_wal(std::chrono::milliseconds patience) {
  for (std::chrono::milliseconds waited{0};; waited += wal_retry_pause) {
    bool is_wal = false;
    const Result<void> tried = [&]() -> Result<void> {
      CS_TRY(Statement statement, prepare("PRAGMA journal_mode = WAL"));
      CS_TRY(const bool found, statement.step());
      is_wal = found && statement.text(0) == "wal";
      return {};
    }();
    if (tried) {
      if (is_wal) return {};
      return fail(ErrorKind::misconfigured, "store.no_wal",
                  "the database file \"" + path_ +
                      "\" is on a file system without shared memory; put it on a local disk");
    }
    if (tried.error().code != "store.busy" || waited >= patience) return fail(tried.error());
    sqlite3_sleep(static_cast<int>(wal_retry_pause.count()));
  }
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (const auto kept = cache_->idle.find(std::string(sql)); kept != cache_->idle.end()) {
    sqlite3_stmt* const handle = kept->second;
    cache_->idle.erase(kept);
    return Statement(*this, handle);
  }
  sqlite3_stmt* handle = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, &tail);
  if (code != SQLITE_OK) return fail(error_of(code));
  Statement statement(*this, handle);
  if (handle == nullptr || !only_space(tail, sql.data() + sql.size())) {
    return fail(ErrorKind::internal, "store.sql", "the database refused a statement",
                "prepare() takes exactly one statement");
  }
  return statement;
}

void Database::give_back(sqlite3_stmt* statement) {
  if (statement == nullptr) return;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (cache_->idle.size() < cache_->kept_max) {
    cache_->idle.emplace(sqlite3_sql(statement), statement);
  } else {
    sqlite3_finalize(statement);
  }
}

Result<void> Database::execute(std::string_view sql) {
  const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error_of(code));
  return {};
}

int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

void Database::interrupt() {
  sqlite3_interrupt(handle_);
}

Error Database::error_of(int code) const {
  return sqlite_error(code, handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code), path_);
}

Result<Transaction> Transaction::begin(Database& database) {
  CS_CHECK(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<Transaction> Transaction::begin_read(Database& database) {
  CS_CHECK(database.run("BEGIN"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

// After some errors (disk full, I/O, interrupt) SQLite has rolled back by itself.
Transaction::~Transaction() {
  if (database_ != nullptr && database_->in_transaction()) {
    [[maybe_unused]] const auto ignored = database_->run("ROLLBACK");
  }
}

Result<void> Transaction::commit() {
  CS_CHECK(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace countersign::store
