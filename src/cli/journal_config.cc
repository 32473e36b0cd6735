#include "cli/journal_config.h"

#include "cli/token_store_config.h"
#include "store/postgres_conninfo.h"
#include "store/postgres_journal.h"
#include "store/sqlite_journal.h"

namespace countersign::cli {

using std::chrono::hours;
using std::chrono::seconds;

std::string JournalConfig::name() const {
  if (!path.empty()) return path;
  const auto conninfo = store::Conninfo::parse(postgres.conninfo);
  return conninfo ? conninfo->name() : "";
}

std::optional<JournalConfig> read_journal(const ConfigSection& root) {
  if (!root.has("journal")) return std::nullopt;
  const ConfigSection table = root.section("journal");
  JournalConfig config;
  if (table.has("postgres")) {
    config.postgres = read_postgres(table);
    if (table.has("path")) table.problem("path", "give either path or postgres");
  } else {
    config.path = table.path_to("path").string();
  }
  read_sealing_keys(table, config.key_file, config.seal_with_version);
  config.calls.body_bytes_max =
      table.byte_size("body_bytes_max", config.calls.body_bytes_max, {1, 1 << 20});
  store::JournalLimits& limits = config.writer.limits;
  limits.keep_finished =
      table.seconds("keep_finished", limits.keep_finished, {seconds(60), hours(24 * 366)});
  limits.keep_unresolved =
      table.seconds("keep_unresolved", limits.keep_unresolved, {hours(1), hours(24 * 3660)});
  limits.entries_max =
      table.integer("entries_max", limits.entries_max, {100, int64_t{1'000'000'000}});
  return config;
}

Result<std::unique_ptr<store::Journal>> open_journal(const JournalConfig& config,
                                                     const Clock& clock) {
  if (config.path.empty()) return store::PostgresJournal::open(config.postgres, clock);
  return store::SqliteJournal::open(config.path, clock);
}

Result<store::SealingKeys> load_sealing_keys(const JournalConfig& config) {
  return store::SealingKeys::parse(config.key_file, config.seal_with_version);
}

ProcessJournal::ProcessJournal(const JournalConfig& config, store::SealingKeys opened,
                               std::unique_ptr<store::Journal> journal, const Clock& clock,
                               Entropy& entropy, const Log& log)
    : keys(std::move(opened)),
      writer(std::move(journal), clock, log, config.writer),
      calls(writer, keys, entropy, config.calls) {}

Result<std::unique_ptr<ProcessJournal>> start_journal(const JournalConfig& config,
                                                      const Clock& clock, Entropy& entropy,
                                                      const Log& log) {
  CS_TRY(store::SealingKeys keys, load_sealing_keys(config));
  CS_TRY(auto journal, open_journal(config, clock));
  return std::make_unique<ProcessJournal>(config, std::move(keys), std::move(journal), clock,
                                          entropy, log);
}

}  // namespace countersign::cli
