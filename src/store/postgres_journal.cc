#include "store/postgres_journal.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "store/journal_rows.h"
#include "store/postgres_migrations.h"

namespace countersign::store {
namespace {

using std::chrono::microseconds;

constexpr std::array<Migration, 1> migrations{{
    {1, "journal", R"sql(
CREATE TABLE countersign.journal (
  api TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  key_sent BOOLEAN NOT NULL,
  digest BYTEA NOT NULL CHECK (length(digest) = 32),
  sealed BYTEA NOT NULL,
  key_version BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'answered', 'not_sent', 'unknown')),
  status BIGINT NOT NULL DEFAULT 0,
  code TEXT NOT NULL DEFAULT '',
  attempt BIGINT NOT NULL CHECK (attempt > 0),
  maybe_processed BOOLEAN NOT NULL,
  begun_at TIMESTAMPTZ NOT NULL,
  changed_at TIMESTAMPTZ NOT NULL,
  held_until TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (api, key)
);
CREATE INDEX journal_unresolved ON countersign.journal (api, key)
  WHERE state IN ('pending', 'unknown');
CREATE INDEX journal_finished ON countersign.journal (changed_at)
  WHERE state IN ('answered', 'not_sent');
)sql"},
}};

#define CS_MICROSECONDS(time) "(extract(epoch FROM " time ") * 1000000)::bigint"
constexpr std::string_view columns =
    "SELECT api, key, key_sent, digest, sealed, key_version, state, status, code, attempt,"
    " maybe_processed, " CS_MICROSECONDS("begun_at") ", " CS_MICROSECONDS("changed_at") ", "
    CS_MICROSECONDS("held_until - clock_timestamp()") " FROM countersign.journal ";
#undef CS_MICROSECONDS

constexpr std::string_view find_for_update =
    "SELECT digest, state, status, attempt, maybe_processed, held_until > clock_timestamp()"
    " FROM countersign.journal WHERE api = $1 AND key = $2 FOR UPDATE";

constexpr std::string_view insert =
    "INSERT INTO countersign.journal (api, key, key_sent, digest, sealed, key_version, state,"
    " attempt, maybe_processed, begun_at, changed_at, held_until) VALUES ($1, $2, $3, $4, $5, $6,"
    " 'pending', 1, false, clock_timestamp(), clock_timestamp(),"
    " clock_timestamp() + $7 * interval '1 microsecond') ON CONFLICT (api, key) DO NOTHING";

constexpr std::string_view start_again =
    "UPDATE countersign.journal SET key_sent = $3, sealed = $4, key_version = $5,"
    " state = 'pending', status = 0, code = '', attempt = $6, maybe_processed = $7,"
    " changed_at = clock_timestamp(),"
    " held_until = clock_timestamp() + $8 * interval '1 microsecond' WHERE api = $1 AND key = $2";

// A sealed request is kept only while it may have to be sent again.
constexpr std::string_view end_attempt =
    "UPDATE countersign.journal SET"
    " state = CASE WHEN $4 = 'not_sent' AND maybe_processed THEN 'unknown' ELSE $4 END,"
    " sealed = CASE WHEN $4 = 'unknown' OR ($4 = 'not_sent' AND maybe_processed)"
    "          THEN sealed ELSE ''::bytea END,"
    " maybe_processed = (maybe_processed OR $4 = 'unknown'), status = $5, code = $6,"
    " changed_at = clock_timestamp(), held_until = 'epoch'"
    " WHERE api = $1 AND key = $2 AND attempt = $3 AND state = 'pending'";

constexpr std::string_view take =
    "UPDATE countersign.journal SET state = 'pending', status = 0, code = '',"
    " attempt = attempt + 1, maybe_processed = true, changed_at = clock_timestamp(),"
    " held_until = clock_timestamp() + $4 * interval '1 microsecond'"
    " WHERE api = $1 AND key = $2 AND attempt = $3 AND held_until <= clock_timestamp()"
    " AND state IN ('pending', 'unknown')";

Result<JournalEntry> read_entry(PostgresRows& row) {
  JournalEntry entry;
  entry.api = row.text(0);
  entry.key = row.text(1);
  entry.key_sent = row.boolean(2);
  const Bytes digest = row.blob(3);
  entry.sealed = row.blob(4);
  entry.key_version = static_cast<uint32_t>(row.integer(5));
  const std::string state = row.text(6);
  entry.status = static_cast<int>(row.integer(7));
  entry.code = row.text(8);
  entry.attempt = static_cast<uint64_t>(row.integer(9));
  entry.maybe_processed = row.boolean(10);
  entry.begun_at = WallTime(microseconds(row.integer(11)));
  entry.changed_at = WallTime(microseconds(row.integer(12)));
  entry.held_for = std::max(microseconds(0), microseconds(row.integer(13)));
  CS_CHECK(row.check());
  CS_TRY(entry.digest, to_journal_digest(digest));
  CS_TRY(entry.state, parse_journal_state(state));
  return entry;
}

Result<std::vector<JournalEntry>> read_entries(PostgresRows& rows) {
  std::vector<JournalEntry> entries;
  while (rows.next()) {
    CS_TRY(JournalEntry entry, read_entry(rows));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<JournalFound> read_found(PostgresRows& row) {
  JournalFound found;
  const Bytes digest = row.blob(0);
  const std::string state = row.text(1);
  found.status = static_cast<int>(row.integer(2));
  found.attempt = static_cast<uint64_t>(row.integer(3));
  found.maybe_processed = row.boolean(4);
  found.held = row.boolean(5);
  CS_CHECK(row.check());
  CS_TRY(found.digest, to_journal_digest(digest));
  CS_TRY(found.state, parse_journal_state(state));
  return found;
}

// In the order of their keys, so that two hosts with the same ones do not wait for each other.
template <typename T>
std::vector<size_t> in_key_order(std::span<const T> items) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) {
    return std::tuple(std::string_view(items[i].api), std::string_view(items[i].key), i);
  });
  return order;
}

}  // namespace

Result<std::unique_ptr<PostgresJournal>> PostgresJournal::open(PostgresOptions options,
                                                               const Clock& clock) {
  CS_TRY(auto database, Postgres::open_later(std::move(options), clock));
  return std::unique_ptr<PostgresJournal>(new PostgresJournal(std::move(database)));
}

Result<void> PostgresJournal::ensure_migrated() {
  if (migrated_) return {};
  CS_CHECK(migrate(*database_, "journal", migrations));
  migrated_ = true;
  return {};
}

// Counted at the first write and after each purge; what other hosts add meanwhile is not seen.
Result<int64_t> PostgresJournal::size() {
  if (!entries_) {
    CS_TRY(entries_, database_->query_integer("SELECT count(*) FROM countersign.journal"));
  }
  return entries_.value_or(0);
}

Result<std::vector<JournalStart>> PostgresJournal::write(std::span<const JournalBegin> begins,
                                                         std::span<const JournalEnd> ends,
                                                         int64_t entries_max) {
  CS_CHECK(ensure_migrated());
  CS_TRY(PostgresTransaction transaction, PostgresTransaction::begin(*database_));
  for (const size_t i : in_key_order(ends)) CS_CHECK(end_one(ends[i]));
  std::vector<JournalStart> starts(begins.size());
  for (const size_t i : in_key_order(begins)) {
    CS_TRY(starts[i], begin_one(begins[i], entries_max));
  }
  CS_CHECK(transaction.commit());
  return starts;
}

Result<void> PostgresJournal::end_one(const JournalEnd& end) {
  CS_CHECK(database_->run(end_attempt, end.api, end.key, static_cast<int64_t>(end.attempt),
                          name_of(end.state), end.status, end.code));
  return {};
}

Result<JournalStart> PostgresJournal::begin_one(const JournalBegin& begin, int64_t entries_max) {
  // Twice, because another host may make the entry between looking and writing.
  for (int tries = 0; tries < 2; ++tries) {
    CS_TRY(PostgresRows rows, database_->query(find_for_update, begin.api, begin.key));
    if (!rows.next()) {
      CS_TRY(const int64_t entries, size());
      if (entries >= entries_max) return JournalStart{.verdict = JournalVerdict::full};
      CS_TRY(const int64_t made,
             database_->run(insert, begin.api, begin.key, begin.key_sent, ByteView(begin.digest),
                            begin.sealed, begin.key_version, begin.hold_for.count()));
      if (made == 0) continue;
      entries_ = entries + 1;
      return judge(nullptr, begin);
    }
    CS_TRY(const JournalFound found, read_found(rows));
    const JournalStart start = judge(&found, begin);
    if (start.verdict != JournalVerdict::started) return start;
    CS_CHECK(database_->run(start_again, begin.api, begin.key, begin.key_sent, begin.sealed,
                            begin.key_version, static_cast<int64_t>(start.attempt),
                            start.maybe_processed, begin.hold_for.count()));
    return start;
  }
  return fail(ErrorKind::unavailable, "store.busy", "an entry comes and goes");
}

Result<std::optional<JournalEntry>> PostgresJournal::find(std::string_view api,
                                                          std::string_view key) {
  CS_CHECK(ensure_migrated());
  CS_TRY(PostgresRows rows,
         database_->query(std::string(columns) + "WHERE api = $1 AND key = $2", api, key));
  if (!rows.next()) return std::nullopt;
  CS_TRY(JournalEntry entry, read_entry(rows));
  return entry;
}

Result<std::vector<JournalEntry>> PostgresJournal::unresolved(std::string_view api,
                                                              std::string_view key, size_t limit) {
  CS_CHECK(ensure_migrated());
  CS_TRY(PostgresRows rows,
         database_->query(std::string(columns) +
                              "WHERE state IN ('pending', 'unknown') AND (api, key) > ($1, $2)"
                              " ORDER BY api, key LIMIT $3",
                          api, key, static_cast<int64_t>(limit)));
  return read_entries(rows);
}

Result<std::optional<uint64_t>> PostgresJournal::take_over(std::string_view api,
                                                           std::string_view key, uint64_t seen,
                                                           microseconds hold_for) {
  CS_CHECK(ensure_migrated());
  CS_TRY(const int64_t taken, database_->run(take, api, key, static_cast<int64_t>(seen),
                                             static_cast<int64_t>(hold_for.count())));
  if (taken == 0) return std::nullopt;
  return seen + 1;
}

Result<std::vector<JournalEntry>> PostgresJournal::to_rekey(uint32_t key_version,
                                                            std::string_view api,
                                                            std::string_view key, size_t limit) {
  CS_CHECK(ensure_migrated());
  CS_TRY(
      PostgresRows rows,
      database_->query(std::string(columns) + "WHERE length(sealed) > 0 AND key_version <> $1 AND"
                                              " (api, key) > ($2, $3) ORDER BY api, key LIMIT $4",
                       key_version, api, key, static_cast<int64_t>(limit)));
  return read_entries(rows);
}

// An attempt that begins writes another request's bytes, so the old version alone does not tell.
Result<bool> PostgresJournal::replace_sealed(const JournalEntry& seen, ByteView sealed,
                                             uint32_t new_key_version) {
  CS_CHECK(ensure_migrated());
  CS_TRY(const int64_t changed,
         database_->run("UPDATE countersign.journal SET sealed = $5, key_version = $6 WHERE"
                        " api = $1 AND key = $2 AND key_version = $3 AND sealed = $4",
                        seen.api, seen.key, seen.key_version, ByteView(seen.sealed), sealed,
                        new_key_version));
  return changed == 1;
}

Result<int64_t> PostgresJournal::purge(const JournalLimits& limits, int64_t limit) {
  CS_CHECK(ensure_migrated());
  CS_TRY(int64_t purged,
         database_->run("DELETE FROM countersign.journal WHERE (api, key) IN (SELECT api, key FROM"
                        " countersign.journal WHERE state IN ('answered', 'not_sent') AND"
                        " changed_at < clock_timestamp() - $1 * interval '1 second'"
                        " ORDER BY changed_at LIMIT $2)",
                        static_cast<int64_t>(limits.keep_finished.count()), limit));
  CS_TRY(const int64_t forgotten,
         database_->run("DELETE FROM countersign.journal WHERE (api, key) IN (SELECT api, key FROM"
                        " countersign.journal WHERE state IN ('pending', 'unknown') AND"
                        " changed_at < clock_timestamp() - $1 * interval '1 second' AND"
                        " held_until <= clock_timestamp() LIMIT $2)",
                        static_cast<int64_t>(limits.keep_unresolved.count()), limit - purged));
  purged += forgotten;
  entries_.reset();
  CS_TRY(const int64_t entries, size());
  // A tenth of the room is made at once, so that a full journal is not purged at every write.
  const int64_t wanted = limits.entries_max - limits.entries_max / 10;
  const int64_t excess = entries >= limits.entries_max ? entries - wanted : 0;
  if (excess == 0) return purged;
  CS_TRY(const int64_t oldest,
         database_->run("DELETE FROM countersign.journal WHERE (api, key) IN (SELECT api, key FROM"
                        " countersign.journal WHERE state IN ('answered', 'not_sent')"
                        " ORDER BY changed_at LIMIT $1)",
                        std::min(excess, limit - purged)));
  entries_ = entries - oldest;
  return purged + oldest;
}

}  // namespace countersign::store
