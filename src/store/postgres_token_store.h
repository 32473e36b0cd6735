// The token rows in PostgreSQL: for the processes of several hosts. Times are the server's
// (clock_timestamp()): the hosts' own do not matter.

#pragma once

#include <memory>

#include "core/clock.h"
#include "store/postgres.h"
#include "store/token_store.h"

namespace countersign::store {

class PostgresTokenStore final : public TokenStore {
 public:
  // Does not connect: the first use does, and applies the migrations; so a program can start while
  // the server is away. `store.bad_conninfo`. `clock` is for deadlines only, and outlives the
  // store.
  static Result<std::unique_ptr<PostgresTokenStore>> open(PostgresOptions options,
                                                          const Clock& clock);

  Result<TokenRow> read(std::string_view slot) override;
  Result<Claim> claim(std::string_view slot, std::string_view owner, uint64_t seen_generation,
                      uint64_t rejected, std::chrono::microseconds lease_for) override;
  Result<bool> publish(std::string_view slot, std::string_view owner, uint64_t claimed,
                       const SealedToken& token) override;
  Result<bool> release(std::string_view slot, std::string_view owner, uint64_t claimed,
                       std::chrono::microseconds closed_for) override;
  Result<std::vector<std::string>> slots_to_rekey(uint32_t key_version) override;
  Result<bool> replace_sealed(std::string_view slot, uint64_t generation, uint32_t old_key_version,
                              ByteView sealed, uint32_t new_key_version) override;

 private:
  explicit PostgresTokenStore(std::unique_ptr<Postgres> database)
      : database_(std::move(database)) {}
  Result<void> ensure_migrated();

  std::unique_ptr<Postgres> database_;
  bool migrated_ = false;
};

}  // namespace countersign::store
