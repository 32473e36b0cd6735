#include "store/sqlite_registry_store.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "store/registry_rows.h"
#include "store/registry_schema.h"

namespace countersign::store {
namespace {

// Rows of nodes that have been silent for this long are of no use to anybody.
constexpr std::chrono::hours dead_node_kept{24};

std::unexpected<Error> unknown_credential(std::string_view id) {
  return fail(ErrorKind::not_found, "registry.unknown_credential",
              "there is no key or secret with the id \"" + std::string(id) + "\"");
}

// `store.duplicate` said in the words of the registry.
Result<void> name_duplicate(Result<void> inserted, const std::string& what) {
  if (inserted || inserted.error().code != "store.duplicate") return inserted;
  return fail(ErrorKind::conflict, "registry.duplicate", what);
}

}  // namespace

SqliteRegistryStore::SqliteRegistryStore(std::unique_ptr<Database> record,
                                         std::unique_ptr<Database> nodes, const Clock& clock)
    : record_(std::move(record)), nodes_(std::move(nodes)), clock_(clock) {}

Result<std::unique_ptr<SqliteRegistryStore>> SqliteRegistryStore::open(
    const std::string& path, const Clock& clock, const SqliteRegistryOptions& options) {
  DatabaseOptions database{.create = options.create, .busy_timeout = options.busy_timeout};
  CS_TRY(auto record, Database::open(path, database));
  CS_CHECK(migrate(*record, registry_migrations()));
  database.durability = Durability::normal;
  database.create = true;
  CS_TRY(auto nodes, Database::open(path + ".nodes", database));
  CS_CHECK(migrate(*nodes, node_migrations()));
  return std::unique_ptr<SqliteRegistryStore>(
      new SqliteRegistryStore(std::move(record), std::move(nodes), clock));
}

Result<int64_t> SqliteRegistryStore::append_change(ChangedEntity entity, std::string_view id) {
  CS_TRY(const auto seq,
         record_->query_integer("UPDATE feed_head SET seq = seq + 1 WHERE one = 1 RETURNING seq"));
  if (!seq)
    return fail(ErrorKind::corrupt, "store.corrupt", "stored data is damaged",
                "feed_head is empty");
  CS_CHECK(record_->run("INSERT INTO feed (seq, entity, id) VALUES (?1, ?2, ?3)", *seq,
                        name_of(entity), id));
  return *seq;
}

Result<int64_t> SqliteRegistryStore::commit_change(Transaction& transaction, int64_t seq) {
  CS_CHECK(transaction.commit());
  // Wakes the watchers. If it fails, their poll finds the change a little later.
  ::utimensat(AT_FDCWD, record_->path().c_str(), nullptr, 0);
  return seq;
}

Result<void> SqliteRegistryStore::require_client(std::string_view client_id) {
  CS_TRY(const auto found,
         record_->query_integer("SELECT 1 FROM clients WHERE client_id = ?1", client_id));
  if (found) return {};
  return fail(ErrorKind::not_found, "registry.unknown_client",
              "there is no client with the id \"" + std::string(client_id) + "\"");
}

Result<int64_t> SqliteRegistryStore::add_client(const ClientRecord& client) {
  CS_TRY(Transaction transaction, Transaction::begin(*record_));
  CS_CHECK(name_duplicate(insert_client(*record_, client),
                          "a client with the id \"" + client.client_id + "\" exists already"));
  CS_CHECK(name_duplicate(insert_certificates(*record_, client),
                          "one of the certificate thumbprints is registered already, for this or "
                          "another client; a certificate identifies one client only"));
  CS_TRY(const int64_t seq, append_change(ChangedEntity::client, client.client_id));
  return commit_change(transaction, seq);
}

Result<std::optional<ClientRecord>> SqliteRegistryStore::find_client(std::string_view client_id) {
  CS_TRY(Statement rows, record_->prepare(std::string(select_clients) + "WHERE client_id = ?1"));
  return read_one(rows.bind(1, client_id), &read_client);
}

Result<std::vector<ClientRecord>> SqliteRegistryStore::list_clients() {
  CS_TRY(Statement rows,
         record_->prepare(std::string(select_clients) + "ORDER BY created_at, client_id"));
  return read_all(rows, &read_client);
}

Result<int64_t> SqliteRegistryStore::add_key(const KeyRecord& key) {
  CS_TRY(Transaction transaction, Transaction::begin(*record_));
  CS_CHECK(require_client(key.client_id));
  CS_CHECK(name_duplicate(insert_key(*record_, key), "a key with this id exists already"));
  CS_TRY(const int64_t seq, append_change(ChangedEntity::key, key.key_id));
  return commit_change(transaction, seq);
}

Result<std::optional<KeyRecord>> SqliteRegistryStore::find_key(std::string_view key_id) {
  CS_TRY(Statement rows, record_->prepare(std::string(select_keys) + "WHERE key_id = ?1"));
  return read_one(rows.bind(1, key_id), &read_key);
}

Result<std::vector<KeyRecord>> SqliteRegistryStore::list_keys(std::string_view client_id) {
  const std::string_view which = client_id.empty()
                                     ? "WHERE ?1 = '' ORDER BY created_at, key_id"
                                     : "WHERE client_id = ?1 ORDER BY created_at, key_id";
  CS_TRY(Statement rows, record_->prepare(std::string(select_keys).append(which)));
  return read_all(rows.bind(1, client_id), &read_key);
}

Result<int64_t> SqliteRegistryStore::add_secret(const SecretRecord& secret) {
  CS_TRY(Transaction transaction, Transaction::begin(*record_));
  CS_CHECK(require_client(secret.client_id));
  CS_CHECK(name_duplicate(insert_secret(*record_, secret), "a secret with this id exists already"));
  CS_TRY(const int64_t seq, append_change(ChangedEntity::secret, secret.secret_id));
  return commit_change(transaction, seq);
}

Result<std::optional<SecretRecord>> SqliteRegistryStore::find_secret(std::string_view secret_id) {
  CS_TRY(Statement rows, record_->prepare(std::string(select_secrets) + "WHERE secret_id = ?1"));
  return read_one(rows.bind(1, secret_id), &read_secret);
}

Result<std::vector<SecretRecord>> SqliteRegistryStore::list_secrets(std::string_view client_id) {
  const std::string_view which = client_id.empty()
                                     ? "WHERE ?1 = '' ORDER BY created_at, secret_id"
                                     : "WHERE client_id = ?1 ORDER BY created_at, secret_id";
  CS_TRY(Statement rows, record_->prepare(std::string(select_secrets).append(which)));
  return read_all(rows.bind(1, client_id), &read_secret);
}

// The status beside the cut-off, and the feed entry that carries it.
Result<void> SqliteRegistryStore::mark_revoked(const Revocation& revocation) {
  if (revocation.kind == SubjectKind::client) {
    CS_CHECK(require_client(revocation.subject));
    CS_CHECK(record_->run("UPDATE clients SET status = 'disabled' WHERE client_id = ?1",
                          revocation.subject));
    CS_CHECK(append_change(ChangedEntity::client, revocation.subject));
  }
  if (revocation.kind == SubjectKind::credential) {
    CS_CHECK(
        record_->run("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE key_id = ?1",
                     revocation.subject, revocation.revoked_at));
    const bool is_key = record_->changes() > 0;
    if (!is_key) {
      CS_CHECK(record_->run(
          "UPDATE client_secrets SET revoked_at = coalesce(revoked_at, ?2) WHERE secret_id = ?1",
          revocation.subject, revocation.revoked_at));
      if (record_->changes() == 0) return unknown_credential(revocation.subject);
    }
    CS_CHECK(
        append_change(is_key ? ChangedEntity::key : ChangedEntity::secret, revocation.subject));
  }
  return {};
}

Result<int64_t> SqliteRegistryStore::revoke(const Revocation& revocation) {
  CS_TRY(Transaction transaction, Transaction::begin(*record_));
  CS_CHECK(mark_revoked(revocation));
  CS_CHECK(merge_cut_off(*record_, revocation));
  CS_TRY(const int64_t seq,
         append_change(ChangedEntity::cut_off, cut_off_id(revocation.kind, revocation.subject)));
  return commit_change(transaction, seq);
}

Result<std::optional<CutOffRecord>> SqliteRegistryStore::find_cut_off(SubjectKind kind,
                                                                      std::string_view subject) {
  CS_TRY(Statement rows,
         record_->prepare(std::string(select_cut_offs) + "WHERE kind = ?1 AND subject = ?2"));
  return read_one(rows.bind_all(name_of(kind), subject), &read_cut_off);
}

Result<int64_t> SqliteRegistryStore::purge_expired_cut_offs(WallTime now) {
  // Looks first: mostly there is nothing, and then nobody's write lock is in the way.
  CS_TRY(const auto any,
         record_->query_integer("SELECT 1 FROM cut_offs WHERE expires_at <= ?1 LIMIT 1", now));
  if (!any) return 0;
  CS_CHECK(record_->run("DELETE FROM cut_offs WHERE expires_at <= ?1", now));
  return record_->changes();
}

Result<RegistryContents> SqliteRegistryStore::load_all() {
  CS_TRY(const Transaction snapshot, Transaction::begin_read(*record_));
  RegistryContents all;
  CS_TRY(const auto seq, record_->query_integer("SELECT seq FROM feed_head"));
  all.seq = seq.value_or(0);
  CS_TRY(all.clients, list_clients());
  CS_TRY(all.keys, list_keys(""));
  CS_TRY(all.secrets, list_secrets(""));
  CS_TRY(Statement rows, record_->prepare(select_cut_offs));
  CS_TRY(all.cut_offs, read_all(rows, &read_cut_off));
  return all;
}

Result<FeedBatch> SqliteRegistryStore::changes_since(int64_t seq, size_t limit) {
  CS_TRY(const Transaction snapshot, Transaction::begin_read(*record_));
  FeedBatch batch;
  {
    CS_TRY(Statement head, record_->prepare("SELECT seq, trimmed_to FROM feed_head"));
    CS_TRY(const bool found, head.step());
    if (!found)
      return fail(ErrorKind::corrupt, "store.corrupt", "stored data is damaged",
                  "feed_head is empty");
    batch.head_seq = head.integer(0);
    batch.must_reload = seq < head.integer(1) || seq > batch.head_seq;
    CS_CHECK(head.check_row());
  }
  if (batch.must_reload || seq == batch.head_seq) return batch;
  CS_TRY(Statement rows,
         record_->prepare("SELECT seq, entity, id FROM feed WHERE seq > ?1 ORDER BY seq LIMIT ?2"));
  rows.bind_all(seq, static_cast<int64_t>(limit));
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return batch;
    const auto entity = changed_entity_of(rows.text(1));
    batch.changes.push_back(
        {rows.integer(0), entity.value_or(ChangedEntity::client), rows.text(2)});
    CS_CHECK(rows.check_row());
    // A kind of change that is not known here cannot be applied one by one.
    if (!entity) batch.must_reload = true;
  }
}

Result<int64_t> SqliteRegistryStore::trim_feed(std::chrono::microseconds node_live_for,
                                               size_t keep_min) {
  CS_TRY(const auto nodes, live_nodes(node_live_for));
  CS_CHECK(
      nodes_->run("DELETE FROM nodes WHERE heartbeat_at < ?1", clock_.wall_now() - dead_node_kept));
  CS_TRY(const auto head, record_->query_integer("SELECT seq FROM feed_head"));
  CS_TRY(const auto trimmed_to, record_->query_integer("SELECT trimmed_to FROM feed_head"));
  int64_t upto = head.value_or(0) - static_cast<int64_t>(keep_min);
  for (const NodeRecord& node : nodes) upto = std::min(upto, node.applied_seq);
  if (upto <= trimmed_to.value_or(0)) return 0;

  CS_TRY(Transaction transaction, Transaction::begin(*record_));
  CS_CHECK(record_->run("DELETE FROM feed WHERE seq <= ?1", upto));
  const int64_t count = record_->changes();
  CS_CHECK(record_->run("UPDATE feed_head SET trimmed_to = max(trimmed_to, ?1)", upto));
  CS_CHECK(transaction.commit());
  return count;
}

Result<void> SqliteRegistryStore::record_node(const NodeRecord& node) {
  return nodes_->run(
      "INSERT INTO nodes (name, boot_id, applied_seq, heartbeat_at) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (name, boot_id) DO UPDATE SET applied_seq = excluded.applied_seq, "
      "heartbeat_at = excluded.heartbeat_at",
      node.name, node.boot_id, node.applied_seq, clock_.wall_now());
}

Result<void> SqliteRegistryStore::remove_node(std::string_view name, std::string_view boot_id) {
  return nodes_->run("DELETE FROM nodes WHERE name = ?1 AND boot_id = ?2", name, boot_id);
}

Result<std::vector<NodeRecord>> SqliteRegistryStore::live_nodes(
    std::chrono::microseconds live_for) {
  // A heartbeat from the future was written before somebody set the clock back: it does not make a
  // node live for ever.
  const WallTime now = clock_.wall_now();
  CS_TRY(Statement rows,
         nodes_->prepare("SELECT name, boot_id, applied_seq, heartbeat_at FROM nodes "
                         "WHERE heartbeat_at BETWEEN ?1 AND ?2 ORDER BY name, boot_id"));
  rows.bind_all(now - live_for, now + live_for);
  std::vector<NodeRecord> nodes;
  for (;;) {
    CS_TRY(const bool more, rows.step());
    if (!more) return nodes;
    nodes.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.time(3)});
    CS_CHECK(rows.check_row());
  }
}

Result<int64_t> SqliteRegistryStore::data_version() {
  CS_TRY(const auto version, record_->query_integer("PRAGMA data_version"));
  return version.value_or(0);
}

}  // namespace countersign::store
