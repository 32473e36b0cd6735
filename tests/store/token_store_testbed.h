// A database for one test of the token stores, of either kind, and stores on it.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/postgres_token_store.h"
#include "store/sqlite_token_store.h"
#include "support/postgres_server.h"
#include "support/temporary_folder.h"

namespace countersign::store {

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  return *std::move(result);
}

enum class StoreKind { sqlite, postgres };

inline SealedToken token(std::string_view text, uint32_t key_version = 1) {
  return {.sealed = to_bytes(text),
          .key_version = key_version,
          .age = {},
          .expires_in = std::chrono::hours(1)};
}

class TokenStoreTestbed final {
 public:
  explicit TokenStoreTestbed(StoreKind kind) : kind_(kind) {
    if (kind_ == StoreKind::postgres)
      database_ = testing::PostgresServer::shared().create_database();
  }
  // A connection of its own. Thread-safe.
  std::unique_ptr<TokenStore> open() const {
    if (kind_ == StoreKind::sqlite) {
      return must(SqliteTokenStore::open({.path = path(), .busy_timeout = std::chrono::seconds(60)},
                                         clock_));
    }
    return must(PostgresTokenStore::open(options(), clock_));
  }
  std::string path() const { return folder_ / "tokens.db"; }
  PostgresOptions options() const {
    return {.conninfo = testing::PostgresServer::shared().conninfo(database_),
            .connect_timeout = std::chrono::seconds(60),
            .statement_timeout = std::chrono::seconds(60),
            .reconnect_pause = {}};
  }
  const std::string& database() const { return database_; }

 private:
  StoreKind kind_;
  SystemClock clock_;
  testing::TemporaryFolder folder_;
  std::string database_;
};

}  // namespace countersign::store
