// Journal on a SQLite file, for the processes of one machine. A commit is one fsync: what write()
// has returned survives a loss of power.

#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace countersign::store {

struct SqliteJournalOptions {
  bool create = true;
  std::chrono::milliseconds busy_timeout{5000};
};

class SqliteJournal final : public Journal {
 public:
  // Opens or makes the file and brings its schema up to date. `clock` is the store's clock (every
  // process of the machine shares it) and outlives the object.
  static Result<std::unique_ptr<SqliteJournal>> open(const std::string& path, const Clock& clock,
                                                     const SqliteJournalOptions& options = {});

  Result<std::vector<JournalStart>> write(std::span<const JournalBegin> begins,
                                          std::span<const JournalEnd> ends,
                                          int64_t entries_max) override;
  Result<std::optional<JournalEntry>> find(std::string_view api, std::string_view key) override;
  Result<std::vector<JournalEntry>> unresolved(std::string_view api, std::string_view key,
                                               size_t limit) override;
  Result<std::optional<uint64_t>> take_over(std::string_view api, std::string_view key,
                                            uint64_t seen,
                                            std::chrono::microseconds hold_for) override;
  Result<std::vector<JournalEntry>> to_rekey(uint32_t key_version, std::string_view api,
                                             std::string_view key, size_t limit) override;
  Result<bool> replace_sealed(const JournalEntry& seen, ByteView sealed,
                              uint32_t new_key_version) override;
  Result<int64_t> purge(const JournalLimits& limits, int64_t limit) override;

 private:
  SqliteJournal(std::unique_ptr<Database> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}
  Result<JournalStart> begin_one(const JournalBegin& begin, WallTime now, int64_t entries_max);
  Result<void> end_one(const JournalEnd& end, WallTime now);
  Result<int64_t> size();

  std::unique_ptr<Database> database_;
  const Clock& clock_;
};

}  // namespace countersign::store
