// RegistryStore: the provider's record and the feed of its changes, whatever database holds it.
//
// Every writing operation is one transaction that also appends to the feed, and returns the seq of
// the change: a gateway that has applied that seq knows of it. What was returned as written
// survives a crash. An object belongs to one thread at a time; threads and processes open one each.
//
// Errors besides those of the database (sqlite.h): `registry.unknown_client`,
// `registry.unknown_credential` (not_found), `registry.duplicate` (conflict: the id, or a
// certificate thumbprint, is taken).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "store/registry_records.h"

namespace countersign::store {

class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  // Clients and credentials.
  virtual Result<int64_t> add_client(const ClientRecord& client) = 0;
  virtual Result<std::optional<ClientRecord>> find_client(std::string_view client_id) = 0;
  virtual Result<std::vector<ClientRecord>> list_clients() = 0;

  virtual Result<int64_t> add_key(const KeyRecord& key) = 0;
  virtual Result<std::optional<KeyRecord>> find_key(std::string_view key_id) = 0;
  // Of one client, or of all if `client_id` is empty; oldest first.
  virtual Result<std::vector<KeyRecord>> list_keys(std::string_view client_id) = 0;

  virtual Result<int64_t> add_secret(const SecretRecord& secret) = 0;
  virtual Result<std::optional<SecretRecord>> find_secret(std::string_view secret_id) = 0;
  virtual Result<std::vector<SecretRecord>> list_secrets(std::string_view client_id) = 0;

  // The one way to take something back: cut-off, status and feed entries in one transaction.
  // Repeating it is harmless: a cut-off only ever moves forward and lives longer, and the first
  // revoked_at stays.
  virtual Result<int64_t> revoke(const Revocation& revocation) = 0;
  virtual Result<std::optional<CutOffRecord>> find_cut_off(SubjectKind kind,
                                                           std::string_view subject) = 0;
  // Forgets the cut-offs with expires_at <= now; returns how many. Not a change that the feed
  // carries: a reader drops them by its own clock.
  virtual Result<int64_t> purge_expired_cut_offs(WallTime now) = 0;

  // The feed.
  virtual Result<RegistryContents> load_all() = 0;
  // Up to `limit` changes with a seq above `seq`, without gaps.
  virtual Result<FeedBatch> changes_since(int64_t seq, size_t limit) = 0;
  // Forgets changes that every live node has applied, but always keeps the newest `keep_min`, so
  // that a node which was away for a moment need not load everything. Returns how many it forgot.
  virtual Result<int64_t> trim_feed(std::chrono::microseconds node_live_for, size_t keep_min) = 0;

  // Nodes. These writes are not durable and not part of the feed.
  // Sets applied_seq and, by the store's clock, heartbeat_at; `node.heartbeat_at` is not read.
  virtual Result<void> record_node(const NodeRecord& node) = 0;
  virtual Result<void> remove_node(std::string_view name, std::string_view boot_id) = 0;
  // Those whose last heartbeat is at most `live_for` away from now, by the store's clock.
  virtual Result<std::vector<NodeRecord>> live_nodes(std::chrono::microseconds live_for) = 0;
};

}  // namespace countersign::store
