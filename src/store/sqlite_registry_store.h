// RegistryStore on a SQLite file, for the processes of one machine.
//
// Two files: PATH holds the record and the feed, durably. PATH.nodes holds the nodes' heartbeats,
// which matter for seconds only: there they cost no fsync, take no lock that a revocation would
// wait for, and do not wake the processes that watch PATH for changes. After each change the time
// stamp of PATH is touched; feed_watcher.h says why.

#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "store/registry_store.h"
#include "store/sqlite.h"

namespace countersign::store {

struct SqliteRegistryOptions {
  bool create = true;  // make PATH if it is not there; PATH.nodes is always made
  std::chrono::milliseconds busy_timeout{5000};
};

class SqliteRegistryStore final : public RegistryStore {
 public:
  // Opens or makes both files and brings their schemas up to date. `clock` is the store's clock
  // (every process of the machine shares it) and outlives the object.
  static Result<std::unique_ptr<SqliteRegistryStore>> open(
      const std::string& path, const Clock& clock, const SqliteRegistryOptions& options = {});

  Result<int64_t> add_client(const ClientRecord& client) override;
  Result<std::optional<ClientRecord>> find_client(std::string_view client_id) override;
  Result<std::vector<ClientRecord>> list_clients() override;
  Result<int64_t> add_key(const KeyRecord& key) override;
  Result<std::optional<KeyRecord>> find_key(std::string_view key_id) override;
  Result<std::vector<KeyRecord>> list_keys(std::string_view client_id) override;
  Result<int64_t> add_secret(const SecretRecord& secret) override;
  Result<std::optional<SecretRecord>> find_secret(std::string_view secret_id) override;
  Result<std::vector<SecretRecord>> list_secrets(std::string_view client_id) override;
  Result<int64_t> revoke(const Revocation& revocation) override;
  Result<std::optional<CutOffRecord>> find_cut_off(SubjectKind kind,
                                                   std::string_view subject) override;
  Result<int64_t> purge_expired_cut_offs(WallTime now) override;
  Result<RegistryContents> load_all() override;
  Result<FeedBatch> changes_since(int64_t seq, size_t limit) override;
  Result<int64_t> trim_feed(std::chrono::microseconds node_live_for, size_t keep_min) override;
  Result<void> record_node(const NodeRecord& node) override;
  Result<void> remove_node(std::string_view name, std::string_view boot_id) override;
  Result<std::vector<NodeRecord>> live_nodes(std::chrono::microseconds live_for) override;

  // A number that moves whenever another connection has committed to PATH; costs no disk access.
  Result<int64_t> data_version();

 private:
  SqliteRegistryStore(std::unique_ptr<Database> record, std::unique_ptr<Database> nodes,
                      const Clock& clock);
  Result<int64_t> append_change(ChangedEntity entity, std::string_view id);
  Result<int64_t> commit_change(Transaction& transaction, int64_t seq);
  Result<void> mark_revoked(const Revocation& revocation);
  Result<void> require_client(std::string_view client_id);

  std::unique_ptr<Database> record_;
  std::unique_ptr<Database> nodes_;
  const Clock& clock_;
};

}  // namespace countersign::store
