#include "store/postgres_token_store.h"

#include <array>
#include <utility>

#include "store/postgres_migrations.h"
#include "store/token_rows.h"

namespace countersign::store {
namespace {

using std::chrono::microseconds;

constexpr std::array<Migration, 1> migrations{{
    {1, "tokens", R"sql(
CREATE TABLE countersign.token_rows (
  slot TEXT PRIMARY KEY,
  generation BIGINT NOT NULL DEFAULT 0 CHECK (generation >= 0),
  claimed BIGINT NOT NULL DEFAULT 0 CHECK (claimed >= generation),
  rejected BIGINT NOT NULL DEFAULT 0 CHECK (rejected BETWEEN 0 AND generation),
  sealed BYTEA CHECK ((sealed IS NULL) = (generation = 0)),
  key_version BIGINT CHECK ((key_version IS NULL) = (sealed IS NULL)),
  began_at TIMESTAMPTZ CHECK ((began_at IS NULL) = (sealed IS NULL)),
  expires_at TIMESTAMPTZ CHECK ((expires_at IS NULL) = (sealed IS NULL)),
  lease_owner TEXT NOT NULL DEFAULT '',
  leased_at TIMESTAMPTZ NOT NULL DEFAULT 'epoch',
  lease_until TIMESTAMPTZ NOT NULL DEFAULT 'epoch'
);
)sql"},
}};

#define CS_MICROSECONDS(interval) "(extract(epoch FROM " interval ") * 1000000)::bigint"
constexpr std::string_view columns =
    " r.generation, r.claimed, r.rejected, r.sealed, r.key_version, "
    CS_MICROSECONDS("clock_timestamp() - r.began_at") ", "
    CS_MICROSECONDS("r.expires_at - r.began_at") ", r.lease_owner, "
    CS_MICROSECONDS("r.lease_until - clock_timestamp()") ", "
    CS_MICROSECONDS("r.lease_until - r.leased_at");
#undef CS_MICROSECONDS

// The lease of $2 for $3 microseconds, if none runs (token_rows.h says when one does). The clock is
// read again once the row's lock is had.
constexpr std::string_view take_lease =
    " SET claimed = r.claimed + 1, lease_owner = $2, leased_at = clock_timestamp(),"
    " lease_until = clock_timestamp() + $3 * interval '1 microsecond'";
constexpr std::string_view no_lease_runs =
    " AND NOT (r.lease_until > clock_timestamp() AND"
    " r.lease_until - clock_timestamp() <= 2 * (r.lease_until - r.leased_at))";

std::string select_row() {
  return "SELECT" + std::string(columns) + " FROM countersign.token_rows r WHERE slot = $1";
}

std::string claim_first() {
  return "INSERT INTO countersign.token_rows AS r (slot, claimed, lease_owner, leased_at, "
         "lease_until) VALUES ($1, 1, $2, clock_timestamp(), clock_timestamp() + $3 * interval '1 "
         "microsecond') ON CONFLICT (slot) DO UPDATE" +
         std::string(take_lease) + " WHERE r.generation = 0" + std::string(no_lease_runs) +
         " RETURNING" + std::string(columns);
}

std::string claim_next() {
  return "UPDATE countersign.token_rows r" + std::string(take_lease) +
         ", rejected = GREATEST(r.rejected, LEAST($4, r.generation)) WHERE slot = $1 AND "
         "r.generation = $5" +
         std::string(no_lease_runs) + " RETURNING" + std::string(columns);
}

std::string note_rejected() {
  return "UPDATE countersign.token_rows r SET rejected = LEAST($2, r.generation) WHERE slot = $1 "
         "AND r.rejected < LEAST($2, r.generation)";
}

Result<TokenRow> row_of(PostgresRows& rows) {
  StoredRow stored{.generation = rows.integer(0),
                   .claimed = rows.integer(1),
                   .rejected = rows.integer(2),
                   .lease_owner = rows.text(7),
                   .lease_left = rows.integer(8),
                   .lease_length = rows.integer(9)};
  if (!rows.is_null(3)) {
    stored.token = StoredToken{.sealed = rows.blob(3),
                               .key_version = rows.integer(4),
                               .age = rows.integer(5),
                               .lifetime = rows.integer(6)};
  }
  CS_CHECK(rows.check());
  return to_token_row(std::move(stored));
}

}  // namespace

Result<std::unique_ptr<PostgresTokenStore>> PostgresTokenStore::open(PostgresOptions options,
                                                                     const Clock& clock) {
  CS_TRY(auto database, Postgres::open_later(std::move(options), clock));
  return std::unique_ptr<PostgresTokenStore>(new PostgresTokenStore(std::move(database)));
}

Result<void> PostgresTokenStore::ensure_migrated() {
  if (migrated_) return {};
  CS_CHECK(migrate(*database_, "tokens", migrations));
  migrated_ = true;
  return {};
}

Result<TokenRow> PostgresTokenStore::read(std::string_view slot) {
  CS_CHECK(check_name(slot));
  CS_CHECK(ensure_migrated());
  static const std::string sql = select_row();
  CS_TRY(PostgresRows rows, database_->query(sql, slot));
  if (!rows.next()) return TokenRow{};
  return row_of(rows);
}

Result<Claim> PostgresTokenStore::claim(std::string_view slot, std::string_view owner,
                                        uint64_t seen_generation, uint64_t rejected,
                                        microseconds lease_for) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  CS_CHECK(ensure_migrated());
  static const std::string first = claim_first();
  static const std::string next = claim_next();
  static const std::string note = note_rejected();
  const int64_t lease = bounded_lease(lease_for);
  CS_TRY(PostgresRows rows, seen_generation == 0
                                ? database_->query(first, slot, owner, lease)
                                : database_->query(next, slot, owner, lease, row_number(rejected),
                                                   row_number(seen_generation)));
  Claim claim{.granted = rows.next()};
  if (claim.granted) {
    CS_TRY(claim.row, row_of(rows));
    return claim;
  }
  if (rejected > 0) CS_CHECK(database_->run(note, slot, row_number(rejected)));
  CS_TRY(claim.row, read(slot));
  return claim;
}

Result<bool> PostgresTokenStore::publish(std::string_view slot, std::string_view owner,
                                         uint64_t claimed, const SealedToken& token) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  CS_CHECK(check_sealed(token.sealed));
  CS_CHECK(ensure_migrated());
  CS_TRY(const int64_t changed,
         database_->run("UPDATE countersign.token_rows SET generation = claimed, sealed = $4, "
                        "key_version = $5, began_at = LEAST(clock_timestamp() - $6 * interval '1 "
                        "microsecond', leased_at), expires_at = LEAST(clock_timestamp() - $6 * "
                        "interval '1 microsecond', leased_at) + $7 * interval '1 microsecond', "
                        "lease_owner = '', leased_at = 'epoch', lease_until = 'epoch' WHERE slot = "
                        "$1 AND lease_owner = $2 AND claimed = $3 AND generation < claimed",
                        slot, owner, row_number(claimed), token.sealed, token.key_version,
                        stored_age(token), stored_lifetime(token)));
  return changed == 1;
}

Result<bool> PostgresTokenStore::release(std::string_view slot, std::string_view owner,
                                         uint64_t claimed, microseconds closed_for) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_name(owner));
  CS_CHECK(ensure_migrated());
  CS_TRY(const int64_t changed,
         database_->run("UPDATE countersign.token_rows SET lease_owner = '', leased_at = "
                        "clock_timestamp(), lease_until = clock_timestamp() + $4 * interval '1 "
                        "microsecond' WHERE slot = $1 AND lease_owner = $2 AND claimed = $3",
                        slot, owner, row_number(claimed), bounded_lease(closed_for)));
  return changed == 1;
}

Result<std::vector<std::string>> PostgresTokenStore::slots_to_rekey(uint32_t key_version) {
  CS_CHECK(ensure_migrated());
  CS_TRY(PostgresRows rows,
         database_->query("SELECT slot FROM countersign.token_rows WHERE key_version <> $1 "
                          "ORDER BY slot",
                          key_version));
  std::vector<std::string> slots;
  while (rows.next()) slots.push_back(rows.text(0));
  CS_CHECK(rows.check());
  return slots;
}

Result<bool> PostgresTokenStore::replace_sealed(std::string_view slot, uint64_t generation,
                                                uint32_t old_key_version, ByteView sealed,
                                                uint32_t new_key_version) {
  CS_CHECK(check_name(slot));
  CS_CHECK(check_sealed(sealed));
  CS_CHECK(ensure_migrated());
  CS_TRY(const int64_t changed,
         database_->run("UPDATE countersign.token_rows SET sealed = $3, key_version = $4 WHERE "
                        "slot = $1 AND generation = $2 AND key_version = $5",
                        slot, row_number(generation), sealed, new_key_version, old_key_version));
  return changed == 1;
}

}  // namespace countersign::store
