// [journal] of the egress's configuration, and the journal opened by it.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "consumer/egress/egress_journal.h"
#include "core/config.h"
#include "core/secret.h"
#include "crypto/aead.h"

namespace countersign::cli {

struct JournalConfig {
  std::string path = {};  // of the SQLite file
  std::optional<crypto::AeadKey> key = {};
  uint32_t key_version = 1;
  consumer::EgressJournalOptions calls = {};
  consumer::JournalWriterOptions writer = {};
};

// nullopt without a [journal]. Problems are noted at their keys.
std::optional<JournalConfig> read_journal(const ConfigSection& root);

Result<std::unique_ptr<store::Journal>> open_journal(const JournalConfig& config,
                                                     const Clock& clock);

}  // namespace countersign::cli
