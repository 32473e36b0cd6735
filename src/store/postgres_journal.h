// Journal in PostgreSQL: for the processes of several hosts. Times are the server's
// (clock_timestamp()): the hosts' own do not matter. How durable a commit is, is the server's
// matter: synchronous_commit, and its replicas.

#pragma once

#include <memory>
#include <optional>

#include "core/clock.h"
#include "store/journal.h"
#include "store/postgres.h"

namespace countersign::store {

class PostgresJournal final : public Journal {
 public:
  // Does not connect: the first use does, and applies the migrations; so a program can start while
  // the server is away. `store.bad_conninfo`. `clock` is for deadlines only, and outlives the
  // object.
  static Result<std::unique_ptr<PostgresJournal>> open(PostgresOptions options, const Clock& clock);

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
  explicit PostgresJournal(std::unique_ptr<Postgres> database) : database_(std::move(database)) {}
  Result<void> ensure_migrated();
  Result<JournalStart> begin_one(const JournalBegin& begin, int64_t entries_max);
  Result<void> end_one(const JournalEnd& end);
  Result<int64_t> size();

  std::unique_ptr<Postgres> database_;
  bool migrated_ = false;
  std::optional<int64_t> entries_;  // about how many there are
};

}  // namespace countersign::store
