// [journal] of the egress's configuration, and the journal opened by it.
// docs/reference/egress-toml.md explains each key.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consumer/egress/egress_journal.h"
#include "core/config.h"
#include "core/secret.h"
#include "store/postgres.h"
#include "store/sealing_keys.h"

namespace countersign::cli {

struct JournalConfig {
  std::string path = {};  // of a SQLite file; empty: PostgreSQL
  store::PostgresOptions postgres = {};
  Secret key_file = {};  // what stands in it
  std::optional<uint32_t> seal_with_version = {};
  consumer::EgressJournalOptions calls = {};
  consumer::JournalWriterOptions writer = {};

  std::string name() const;  // for messages: the file, or the database and its host

  friend bool operator==(const JournalConfig&, const JournalConfig&) = default;
};

// nullopt without a [journal]. Problems are noted at their keys.
std::optional<JournalConfig> read_journal(const ConfigSection& root);

// `clock` outlives the journal.
Result<std::unique_ptr<store::Journal>> open_journal(const JournalConfig& config,
                                                     const Clock& clock);

// Errors: those of store::SealingKeys::parse().
Result<store::SealingKeys> load_sealing_keys(const JournalConfig& config);

// The journal of a process, with what it stands on.
struct ProcessJournal {
  ProcessJournal(const JournalConfig& config, store::SealingKeys opened,
                 std::unique_ptr<store::Journal> journal, const Clock& clock, Entropy& entropy,
                 const Log& log);
  const store::SealingKeys keys;
  consumer::JournalWriter writer;
  consumer::EgressJournal calls;
};

// Opens the journal. All references outlive it.
Result<std::unique_ptr<ProcessJournal>> start_journal(const JournalConfig& config,
                                                      const Clock& clock, Entropy& entropy,
                                                      const Log& log);

}  // namespace countersign::cli
