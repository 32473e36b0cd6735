#include "cli/token_store_config.h"

#include <utility>

#include "store/postgres_conninfo.h"
#include "store/postgres_token_store.h"
#include "store/sqlite_token_store.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void check_unsafe_hosts(const ConfigSection& table, const store::Conninfo& conninfo) {
  const auto hosts = conninfo.unsafe_hosts();
  if (hosts.empty()) return;
  table.problem("postgres", "\"" + hosts.front() +
                                "\" is reached over a network: add sslmode=verify-full (and "
                                "sslrootcert=FILE), or set unsafe_unverified_postgres");
}

}  // namespace

store::PostgresOptions read_postgres(const ConfigSection& table) {
  store::PostgresOptions options;
  options.conninfo = table.string("postgres");
  options.password = table.optional_secret("postgres_password").value_or(Secret());
  options.connect_timeout = duration_cast<milliseconds>(
      table.duration("connect_timeout", options.connect_timeout, {milliseconds(100), minutes(1)}));
  options.statement_timeout = duration_cast<milliseconds>(table.duration(
      "statement_timeout", options.statement_timeout, {milliseconds(100), minutes(1)}));
  const bool unverified = table.boolean("unsafe_unverified_postgres", false);
  if (options.conninfo.empty()) return options;
  const auto conninfo = store::Conninfo::parse(options.conninfo);
  if (!conninfo) {
    table.problem("postgres", conninfo.error().public_text);
  } else if (!unverified) {
    check_unsafe_hosts(table, *conninfo);
  }
  return options;
}

void read_sealing_keys(const ConfigSection& table, Secret& key_file,
                       std::optional<uint32_t>& seal_with_version) {
  key_file = table.secret("key");
  if (table.has("seal_with_version")) {
    seal_with_version =
        table.integer<uint32_t>("seal_with_version", {1, store::SealingKeys::version_max});
  }
  if (key_file.empty()) return;
  const auto keys = store::SealingKeys::parse(key_file, seal_with_version);
  if (keys) return;
  const bool version = keys.error().code == "sealing.no_such_version";
  const std::string_view place = version                       ? "seal_with_version"
                                 : table.has("key_file")       ? "key_file"
                                 : table.has("key_credential") ? "key_credential"
                                                               : "key_env";
  table.problem(place, keys.error().public_text);
}

std::string TokenStoreConfig::name() const {
  if (!path.empty()) return path;
  const auto conninfo = store::Conninfo::parse(postgres.conninfo);
  return conninfo ? conninfo->name() : "";
}

std::optional<TokenStoreConfig> read_token_store(const ConfigSection& root) {
  if (!root.has("token_store")) return std::nullopt;
  const ConfigSection table = root.section("token_store");
  TokenStoreConfig config;
  if (table.has("postgres")) {
    config.postgres = read_postgres(table);
    if (table.has("path")) table.problem("path", "give either path or postgres");
  } else if (table.has("path")) {
    config.path = table.path_to("path").string();
  } else {
    table.problem("path", "missing; expected the path of a SQLite file, or postgres");
  }
  config.lease =
      duration_cast<milliseconds>(table.duration("lease", config.lease, {seconds(1), hours(1)}));
  read_sealing_keys(table, config.key_file, config.seal_with_version);
  return config;
}

Result<std::unique_ptr<store::TokenStore>> open_token_store(const TokenStoreConfig& config,
                                                            const Clock& clock) {
  if (config.path.empty()) return store::PostgresTokenStore::open(config.postgres, clock);
  return store::SqliteTokenStore::open({.path = config.path}, clock);
}

Result<store::SealingKeys> load_sealing_keys(const TokenStoreConfig& config) {
  return store::SealingKeys::parse(config.key_file, config.seal_with_version);
}

ProcessTokenSharing::ProcessTokenSharing(const TokenStoreConfig& config,
                                         std::shared_ptr<store::TokenStore> store,
                                         store::SealingKeys keys, Executor& home,
                                         const Clock& clock, Entropy& entropy, const Log& log)
    : worker({.threads = 1}),
      slots({.store = std::move(store),
             .keys = std::make_shared<const store::SealingKeys>(std::move(keys)),
             .home = home,
             .worker = worker,
             .clock = clock,
             .entropy = entropy,
             .log = log},
            {.lease = config.lease}) {}

Result<std::unique_ptr<ProcessTokenSharing>> share_tokens(const TokenStoreConfig& config,
                                                          Executor& home, const Clock& clock,
                                                          Entropy& entropy, const Log& log) {
  CS_TRY(store::SealingKeys keys, load_sealing_keys(config));
  CS_TRY(auto store, open_token_store(config, clock));
  return std::make_unique<ProcessTokenSharing>(config, std::move(store), std::move(keys), home,
                                               clock, entropy, log);
}

}  // namespace countersign::cli
