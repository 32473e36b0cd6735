// [token_store] of egress.toml: where tokens are shared, and the keys that seal them there.
// docs/reference/egress-toml.md explains each key.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "consumer/token_sharing.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/worker.h"
#include "store/postgres.h"
#include "store/sealing_keys.h"
#include "store/token_store.h"

namespace countersign::cli {

struct TokenStoreConfig {
  std::string path;                 // of a SQLite file; empty: PostgreSQL
  store::PostgresOptions postgres;  // if `path` is empty
  Secret key_file;                  // what stands in it
  std::optional<uint32_t> seal_with_version;
  // How long one process may take to renew a token before another may try. Longer than a token
  // request may take.
  std::chrono::milliseconds lease{15'000};

  std::string name() const;  // for messages: the file, or the database and its host

  friend bool operator==(const TokenStoreConfig&, const TokenStoreConfig&) = default;
};

// `postgres` and the keys that go with it, of any table that names a database. Problems are noted.
store::PostgresOptions read_postgres(const ConfigSection& table);
// `key` and `seal_with_version` of any table that names sealing keys.
void read_sealing_keys(const ConfigSection& table, Secret& key_file,
                       std::optional<uint32_t>& seal_with_version);

// nullopt if there is no such table. Problems are noted in the section; keys that do not parse are
// among them.
std::optional<TokenStoreConfig> read_token_store(const ConfigSection& root);

// A SQLite file is opened, and made if it is not there; a PostgreSQL is connected to at its first
// use, so that a start does not depend on it. `clock` outlives the store. Each thread needs its
// own.
Result<std::unique_ptr<store::TokenStore>> open_token_store(const TokenStoreConfig& config,
                                                            const Clock& clock);

// Errors: those of store::SealingKeys::parse().
Result<store::SealingKeys> load_sealing_keys(const TokenStoreConfig& config);

// One store, one thread for it and one set of keys for all slots of a process.
struct ProcessTokenSharing {
  ProcessTokenSharing(const TokenStoreConfig& config, std::shared_ptr<store::TokenStore> store,
                      store::SealingKeys keys, Executor& home, const Clock& clock, Entropy& entropy,
                      const Log& log);
  Worker worker;
  consumer::TokenSharing slots;
};

// `home` is where the slots are renewed. All references outlive it.
Result<std::unique_ptr<ProcessTokenSharing>> share_tokens(const TokenStoreConfig& config,
                                                          Executor& home, const Clock& clock,
                                                          Entropy& entropy, const Log& log);

}  // namespace countersign::cli
