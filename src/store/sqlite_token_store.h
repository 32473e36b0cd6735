// The token rows in a SQLite file: for the processes of one machine, under one user. They share the
// machine's clock, which is read while the write lock is held.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/clock.h"
#include "store/sqlite.h"
#include "store/token_store.h"

namespace countersign::store {

class SqliteTokenStore final : public TokenStore {
 public:
  struct Options {
    std::string path;  // made, with mode 0600, if it is not there
    // For another process's lock, which is held for microseconds.
    std::chrono::milliseconds busy_timeout{1000};
  };

  // Opens or makes the file and applies the migrations. `clock` outlives the store. Should the file
  // be replaced or lost while it is open, or fail to be read, it is opened anew at the next use.
  static Result<std::unique_ptr<SqliteTokenStore>> open(Options options, const Clock& clock);

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
  // The file, by its place on the disk.
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  SqliteTokenStore(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  static Identity identity_of(const std::string& path);
  Result<void> ensure_open();
  template <typename T>
  Result<T> watched(Result<T> result);
  Result<TokenRow> read_row(std::string_view slot);
  Result<Claim> try_claim(std::string_view slot, std::string_view owner, uint64_t seen_generation,
                          uint64_t rejected, std::chrono::microseconds lease_for);
  // Runs `change(now)`, which executes one UPDATE, under the write lock; whether it changed a row.
  template <typename Change>
  Result<bool> update(Change change);

  Options options_;
  const Clock& clock_;
  std::unique_ptr<Database> database_;  // null until the next use
  Identity identity_;
};

}  // namespace countersign::store
