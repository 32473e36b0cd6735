#include "store/sqlite_journal.h"

#include <algorithm>

#include "store/journal_rows.h"
#include "store/journal_schema.h"

namespace countersign::store {
namespace {

using std::chrono::microseconds;

constexpr std::string_view columns =
    "api, key, key_sent, digest, sealed, key_version, state, status, code, attempt, "
    "maybe_processed, begun_at, changed_at, held_until";

Result<JournalEntry> read_entry(Statement& row, WallTime now) {
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
  entry.begun_at = row.time(11);
  entry.changed_at = row.time(12);
  entry.held_for = std::max(microseconds(0), row.time(13) - now);
  CS_CHECK(row.check_row());
  CS_TRY(entry.digest, to_journal_digest(digest));
  CS_TRY(entry.state, parse_journal_state(state));
  return entry;
}

Result<std::vector<JournalEntry>> read_entries(Statement& rows, WallTime now) {
  std::vector<JournalEntry> entries;
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return entries;
    CS_TRY(JournalEntry entry, read_entry(rows, now));
    entries.push_back(std::move(entry));
  }
}

}  // namespace

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::string& path,
                                                           const Clock& clock,
                                                           const SqliteJournalOptions& options) {
  CS_TRY(auto database,
         Database::open(path, {.create = options.create, .busy_timeout = options.busy_timeout}));
  CS_CHECK(migrate(*database, journal_migrations()));
  return std::unique_ptr<SqliteJournal>(new SqliteJournal(std::move(database), clock));
}

Result<int64_t> SqliteJournal::size() {
  CS_TRY(const auto entries, database_->query_integer("SELECT entries FROM journal_size"));
  return entries.value_or(0);
}

Result<std::vector<JournalStart>> SqliteJournal::write(std::span<const JournalBegin> begins,
                                                       std::span<const JournalEnd> ends,
                                                       int64_t entries_max) {
  CS_TRY(Transaction transaction, Transaction::begin(*database_));
  const WallTime now = clock_.wall_now();
  for (const JournalEnd& end : ends) CS_CHECK(end_one(end, now));
  std::vector<JournalStart> starts;
  starts.reserve(begins.size());
  for (const JournalBegin& begin : begins) {
    CS_TRY(const JournalStart start, begin_one(begin, now, entries_max));
    starts.push_back(start);
  }
  CS_CHECK(transaction.commit());
  return starts;
}

Result<void> SqliteJournal::end_one(const JournalEnd& end, WallTime now) {
  // A sealed request is kept only while it may have to be sent again.
  return database_->run(
      "UPDATE journal SET"
      "  state = CASE WHEN ?4 = 'not_sent' AND maybe_processed THEN 'unknown' ELSE ?4 END,"
      "  sealed = CASE WHEN ?4 = 'unknown' OR (?4 = 'not_sent' AND maybe_processed)"
      "           THEN sealed ELSE x'' END,"
      "  maybe_processed = (maybe_processed OR ?4 = 'unknown'), status = ?5, code = ?6,"
      "  changed_at = ?7, held_until = 0"
      " WHERE api = ?1 AND key = ?2 AND attempt = ?3 AND state = 'pending'",
      end.api, end.key, static_cast<int64_t>(end.attempt), name_of(end.state), end.status, end.code,
      now);
}

Result<JournalStart> SqliteJournal::begin_one(const JournalBegin& begin, WallTime now,
                                              int64_t entries_max) {
  std::optional<JournalFound> found;
  {
    CS_TRY(Statement row,
           database_->prepare("SELECT digest, state, status, attempt, maybe_processed, held_until"
                              " FROM journal WHERE api = ?1 AND key = ?2"));
    CS_TRY(const bool exists, row.bind_all(begin.api, begin.key).step());
    if (exists) {
      found.emplace();
      const Bytes digest = row.blob(0);
      const std::string state = row.text(1);
      found->status = static_cast<int>(row.integer(2));
      found->attempt = static_cast<uint64_t>(row.integer(3));
      found->maybe_processed = row.boolean(4);
      found->held = row.time(5) > now;
      CS_CHECK(row.check_row());
      CS_TRY(found->digest, to_journal_digest(digest));
      CS_TRY(found->state, parse_journal_state(state));
    }
  }
  JournalStart start = judge(found ? &*found : nullptr, begin);
  if (start.verdict != JournalVerdict::started) return start;
  if (!found) {
    CS_TRY(const int64_t entries, size());
    if (entries >= entries_max) return JournalStart{.verdict = JournalVerdict::full};
    CS_CHECK(database_->run("UPDATE journal_size SET entries = entries + 1"));
  }
  CS_CHECK(database_->run(
      "INSERT INTO journal (api, key, key_sent, digest, sealed, key_version, state, status, code,"
      "  attempt, maybe_processed, begun_at, changed_at, held_until)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', 0, '', ?7, ?8, ?9, ?9, ?10)"
      " ON CONFLICT (api, key) DO UPDATE SET key_sent = ?3, sealed = ?5, key_version = ?6,"
      "  state = 'pending', status = 0, code = '', attempt = ?7, maybe_processed = ?8,"
      "  changed_at = ?9, held_until = ?10",
      begin.api, begin.key, begin.key_sent, ByteView(begin.digest), ByteView(begin.sealed),
      static_cast<int64_t>(begin.key_version), static_cast<int64_t>(start.attempt),
      start.maybe_processed, now, now + begin.hold_for));
  return start;
}

Result<std::optional<JournalEntry>> SqliteJournal::find(std::string_view api,
                                                        std::string_view key) {
  CS_TRY(Statement row, database_->prepare("SELECT " + std::string(columns) +
                                           " FROM journal WHERE api = ?1 AND key = ?2"));
  CS_TRY(const bool exists, row.bind_all(api, key).step());
  if (!exists) return std::nullopt;
  CS_TRY(JournalEntry entry, read_entry(row, clock_.wall_now()));
  return entry;
}

Result<std::vector<JournalEntry>> SqliteJournal::unresolved(std::string_view api,
                                                            std::string_view key, size_t limit) {
  CS_TRY(Statement rows,
         database_->prepare("SELECT " + std::string(columns) +
                            " FROM journal WHERE state IN ('pending', 'unknown')"
                            " AND (api, key) > (?1, ?2) ORDER BY api, key LIMIT ?3"));
  rows.bind_all(api, key, static_cast<int64_t>(limit));
  return read_entries(rows, clock_.wall_now());
}

Result<std::optional<uint64_t>> SqliteJournal::take_over(std::string_view api, std::string_view key,
                                                         uint64_t seen, microseconds hold_for) {
  const WallTime now = clock_.wall_now();
  CS_CHECK(database_->run(
      "UPDATE journal SET state = 'pending', status = 0, code = '', attempt = attempt + 1,"
      "  maybe_processed = 1, changed_at = ?4, held_until = ?5"
      " WHERE api = ?1 AND key = ?2 AND attempt = ?3 AND held_until <= ?4"
      "  AND state IN ('pending', 'unknown')",
      api, key, static_cast<int64_t>(seen), now, now + hold_for));
  if (database_->changes() == 0) return std::nullopt;
  return seen + 1;
}

Result<std::vector<JournalEntry>> SqliteJournal::to_rekey(uint32_t key_version,
                                                          std::string_view api,
                                                          std::string_view key, size_t limit) {
  CS_TRY(Statement rows,
         database_->prepare("SELECT " + std::string(columns) +
                            " FROM journal WHERE length(sealed) > 0 AND key_version <> ?1"
                            " AND (api, key) > (?2, ?3) ORDER BY api, key LIMIT ?4"));
  rows.bind_all(int64_t{key_version}, api, key, static_cast<int64_t>(limit));
  return read_entries(rows, clock_.wall_now());
}

// An attempt that begins writes another request's bytes, so the old version alone does not tell.
Result<bool> SqliteJournal::replace_sealed(const JournalEntry& seen, ByteView sealed,
                                           uint32_t new_key_version) {
  CS_CHECK(
      database_->run("UPDATE journal SET sealed = ?5, key_version = ?6"
                     " WHERE api = ?1 AND key = ?2 AND key_version = ?3 AND sealed = ?4",
                     seen.api, seen.key, int64_t{seen.key_version}, ByteView(seen.sealed), sealed,
                     int64_t{new_key_version}));
  return database_->changes() == 1;
}

Result<int64_t> SqliteJournal::purge(const JournalLimits& limits, int64_t limit) {
  CS_TRY(Transaction transaction, Transaction::begin(*database_));
  const WallTime now = clock_.wall_now();
  CS_CHECK(
      database_->run("DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal"
                     "  WHERE state IN ('answered', 'not_sent') AND changed_at < ?1"
                     "  ORDER BY changed_at LIMIT ?2)",
                     now - limits.keep_finished, limit));
  int64_t purged = database_->changes();
  CS_CHECK(database_->run(
      "DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal"
      "  WHERE state IN ('pending', 'unknown') AND changed_at < ?1 AND held_until <= ?2 LIMIT ?3)",
      now - limits.keep_unresolved, now, limit - purged));
  purged += database_->changes();
  CS_TRY(const int64_t entries, size());
  // A tenth of the room is made at once, so that a full journal is not purged at every write.
  const int64_t wanted = limits.entries_max - limits.entries_max / 10;
  const int64_t excess = entries - purged >= limits.entries_max ? entries - purged - wanted : 0;
  CS_CHECK(
      database_->run("DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal"
                     "  WHERE state IN ('answered', 'not_sent') ORDER BY changed_at LIMIT ?1)",
                     std::min(excess, limit - purged)));
  purged += database_->changes();
  CS_CHECK(database_->run("UPDATE journal_size SET entries = entries - ?1", purged));
  CS_CHECK(transaction.commit());
  return purged;
}

}  // namespace countersign::store
