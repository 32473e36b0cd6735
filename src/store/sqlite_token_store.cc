#include "store/sqlite_token_store.h"

#include <array>
#include <utility>

#include <sys/stat.h>

#include "store/migrations.h"
#include "store/token_rows.h"

namespace countersign::store {
namespace {

using std::chrono::microseconds;

// Times are microseconds since 1970.
constexpr std::array<Migration, 1> migrations{{
    {1, "tokens", R"sql(
CREATE TABLE token_rows (
  slot TEXT PRIMARY KEY,
  generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
  claimed INTEGER NOT NULL DEFAULT 0 CHECK (claimed >= generation),
  rejected INTEGER NOT NULL DEFAULT 0 CHECK (rejected BETWEEN 0 AND generation),
  sealed BLOB CHECK ((sealed IS NULL) = (generation = 0)),
  key_version INTEGER CHECK ((key_version IS NULL) = (sealed IS NULL)),
  began_at INTEGER CHECK ((began_at IS NULL) = (sealed IS NULL)),
  expires_at INTEGER CHECK ((expires_at IS NULL) = (sealed IS NULL)),
  lease_owner TEXT NOT NULL DEFAULT '',
  leased_at INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;
)sql"},
}};

int64_t count(WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

Result<std::unique_ptr<SqliteTokenStore>> SqliteTokenStore::open(Options options,
                                                                 const Clock& clock) {
  std::unique_ptr<SqliteTokenStore> store(new SqliteTokenStore(std::move(options), clock));
  CS_CHECK(store->ensure_open());
  return store;
}

SqliteTokenStore::Identity SqliteTokenStore::identity_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

// A file that was replaced would otherwise be shared with nobody.
Result<void> SqliteTokenStore::ensure_open() {
  if (database_ && identity_of(options_.path) == identity_) return {};
  database_ = nullptr;
  // Durability::normal: what a loss of power undoes was known to this machine alone, whose
  // processes ended with it.
  CS_TRY(auto database, Database::open(options_.path, {.durability = Durability::normal,
                                                       .busy_timeout = options_.busy_timeout}));
  CS_CHECK(migrate(*database, migrations));
  identity_ = identity_of(options_.path);
  database_ = std::move(database);
  return {};
}

// After an error of the file itself, the next use opens it anew.
template <typename T>
Result<T> SqliteTokenStore::watched(Result<T> result) {
  if (!result && result.error().code != "store.busy" && result.error().code != "store.full")
    database_ = nullptr;
  return result;
}

Result<TokenRow> SqliteTokenStore::read_row(std::string_view slot) {
  CS_TRY(Statement row,
         database_->prepare("SELECT generation, claimed, rejected, sealed, key_version, began_at, "
                            "expires_at, lease_owner, leased_at, lease_until "
                            "FROM token_rows WHERE slot = ?1"));
  CS_TRY(const bool found, row.bind(1, slot).step());
  if (!found) return TokenRow{};
  const int64_t now = count(clock_.wall_now());
  StoredRow stored{.generation = row.integer(0),
                   .claimed = row.integer(1),
                   .rejected = row.integer(2),
                   .lease_owner = row.text(7),
                   .lease_left = row.integer(9) - now,
                   .lease_length = row.integer(9) - row.integer(8)};
  if (!row.is_null(3)) {
    stored.token = StoredToken{.sealed = row.blob(3),
                               .key_version = row.integer(4),
                               .age = now - row.integer(5),
                               .lifetime = row.integer(6) - row.integer(5)};
  }
  CS_CHECK(row.check_row());
  return to_token_row(std::move(stored));
}

Result<TokenRow> SqliteTokenStore::read(std::string_view slot) {
  CS_CHECK(check_name(slot));
  CS_CHECK(ensure_open());
  return watched(read_row(slot));
}

Result<Claim> SqliteTokenStore::try_claim(std::string_view slot, std::string_view owner,
                                          uint64_t seen_generation, uint64_t rejected,
                                          microseconds lease_for) {
  CS_TRY(Transaction transaction, Transaction::begin(*database_));
  const int64_t now = count(clock_.wall_now());
  Claim claim;
  if (seen_generation == 0) {
    CS_CHECK(database_->run("INSERT OR IGNORE INTO token_rows (slot) VALUES (?1)", slot));
  }
  CS_CHECK(database_->run(
      "UPDATE token_rows SET claimed = claimed + 1, lease_owner = ?2, leased_at = ?3, "
      "lease_until = ?3 + ?4 WHERE slot = ?1 AND generation = ?5 AND NOT (lease_until > ?3 AND "
      "lease_until - ?3 <= 2 * (lease_until - leased_at))",
      slot, owner, now, bounded_lease(lease_for), row_number(seen_generation)));
  claim.granted = database_->changes() == 1;
  CS_CHECK(database_->run(
      "UPDATE token_rows SET rejected = min(?2, generation) WHERE slot = ?1 AND rejected < min(?2, "
      "generation)",
      slot, row_number(rejected)));
  CS_TRY(claim.row, read_row(slot));
  CS_CHECK(transaction.commit());
  return claim;
}

Result<Claim> SqliteTokenStore::claim(std::string_view slot, std::string_view owner,
                                      uint64_t seen_generation, uint64_t rejected,
                                      microseconds lease_for) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  CS_CHECK(ensure_open());
  return watched(try_claim(slot, owner, seen_generation, rejected, lease_for));
}

template <typename Change>
Result<bool> SqliteTokenStore::update(Change change) {
  CS_CHECK(ensure_open());
  return watched([&]() -> Result<bool> {
    CS_TRY(Transaction transaction, Transaction::begin(*database_));
    CS_CHECK(change(count(clock_.wall_now())));
    const bool changed = database_->changes() == 1;
    CS_CHECK(transaction.commit());
    return changed;
  }());
}

Result<bool> SqliteTokenStore::publish(std::string_view slot, std::string_view owner,
                                       uint64_t claimed, const SealedToken& token) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  CS_CHECK(check_sealed(token.sealed));
  return update([&](int64_t now) {
    return database_->run(
        "UPDATE token_rows SET generation = claimed, sealed = ?4, key_version = ?5, "
        "began_at = min(?6, leased_at), expires_at = min(?6, leased_at) + ?7, "
        "lease_owner = '', leased_at = 0, lease_until = 0 "
        "WHERE slot = ?1 AND lease_owner = ?2 AND claimed = ?3 AND generation < claimed",
        slot, owner, row_number(claimed), ByteView(token.sealed), int64_t{token.key_version},
        now - stored_age(token), stored_lifetime(token));
  });
}

Result<bool> SqliteTokenStore::release(std::string_view slot, std::string_view owner,
                                       uint64_t claimed, microseconds closed_for) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  return update([&](int64_t now) {
    return database_->run(
        "UPDATE token_rows SET lease_owner = '', leased_at = ?4, lease_until = ?5 "
        "WHERE slot = ?1 AND lease_owner = ?2 AND claimed = ?3",
        slot, owner, row_number(claimed), now, now + bounded_lease(closed_for));
  });
}

Result<std::vector<std::string>> SqliteTokenStore::slots_to_rekey(uint32_t key_version) {
  CS_CHECK(ensure_open());
  return watched([&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> slots;
    CS_TRY(Statement rows, database_->prepare("SELECT slot FROM token_rows WHERE key_version <> ?1 "
                                              "ORDER BY slot"));
    rows.bind(1, int64_t{key_version});
    for (;;) {
      CS_TRY(const bool more, rows.step());
      if (!more) return slots;
      slots.push_back(rows.text(0));
    }
  }());
}

Result<bool> SqliteTokenStore::replace_sealed(std::string_view slot, uint64_t generation,
                                              uint32_t old_key_version, ByteView sealed,
                                              uint32_t new_key_version) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_sealed(sealed));
  return update([&](int64_t) {
    return database_->run(
        "UPDATE token_rows SET sealed = ?4, key_version = ?5 "
        "WHERE slot = ?1 AND generation = ?2 AND key_version = ?3",
        slot, row_number(generation), int64_t{old_key_version}, sealed, int64_t{new_key_version});
  });
}

}  // namespace countersign::store
