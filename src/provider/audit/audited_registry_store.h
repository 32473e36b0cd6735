// AuditedRegistryStore: the record, whose every change is in the audit log with the name of who
// makes it. Whatever changes the record (commands, an administrative API, a rule of the watch) is
// given this store and not the one behind it, so that no way to a change goes unrecorded.
//
// A change has two lines: `change_begun` before it is made, `change` when it is known how it ended;
// both on disk before the caller has its answer. A change that cannot be recorded is not made: it
// fails closed. If the process ends between the two, the first one says what was about to happen.

#pragma once

#include <string>

#include "provider/audit/change_log.h"
#include "store/registry_store.h"

namespace countersign::provider {

class AuditedRegistryStore final : public store::RegistryStore {
 public:
  // Both outlive it. `actor`: "uid:1000 alice", "watch:denial_burst".
  AuditedRegistryStore(store::RegistryStore& store, ChangeLog& log, std::string actor)
      : store_(store), log_(log), actor_(std::move(actor)) {}

  Result<int64_t> add_client(const store::ClientRecord& client) override;
  Result<int64_t> add_key(const store::KeyRecord& key) override;
  Result<int64_t> add_secret(const store::SecretRecord& secret) override;
  Result<int64_t> revoke(const store::Revocation& revocation) override;

  // Reading, and what is no change of the record.
  Result<std::optional<store::ClientRecord>> find_client(std::string_view client_id) override {
    return store_.find_client(client_id);
  }
  Result<std::vector<store::ClientRecord>> list_clients() override { return store_.list_clients(); }
  Result<std::optional<store::KeyRecord>> find_key(std::string_view key_id) override {
    return store_.find_key(key_id);
  }
  Result<std::vector<store::KeyRecord>> list_keys(std::string_view client_id) override {
    return store_.list_keys(client_id);
  }
  Result<std::optional<store::SecretRecord>> find_secret(std::string_view secret_id) override {
    return store_.find_secret(secret_id);
  }
  Result<std::vector<store::SecretRecord>> list_secrets(std::string_view client_id) override {
    return store_.list_secrets(client_id);
  }
  Result<std::optional<store::CutOffRecord>> find_cut_off(store::SubjectKind kind,
                                                          std::string_view subject) override {
    return store_.find_cut_off(kind, subject);
  }
  Result<int64_t> purge_expired_cut_offs(WallTime now) override {
    return store_.purge_expired_cut_offs(now);
  }
  Result<store::RegistryContents> load_all() override { return store_.load_all(); }
  Result<store::FeedBatch> changes_since(int64_t seq, size_t limit) override {
    return store_.changes_since(seq, limit);
  }
  Result<int64_t> trim_feed(std::chrono::microseconds node_live_for, size_t keep_min) override {
    return store_.trim_feed(node_live_for, keep_min);
  }
  Result<void> record_node(const store::NodeRecord& node) override {
    return store_.record_node(node);
  }
  Result<void> remove_node(std::string_view name, std::string_view boot_id) override {
    return store_.remove_node(name, boot_id);
  }
  Result<std::vector<store::NodeRecord>> live_nodes(std::chrono::microseconds live_for) override {
    return store_.live_nodes(live_for);
  }

 private:
  // What is changed. The detail names no secret.
  struct Change {
    std::string_view action;
    std::string_view subject;
    std::string_view client{};
    std::string detail{};
  };
  AuditRecord line_of(AuditEvent event, const Change& change) const;
  template <typename Make>
  Result<int64_t> make(const Change& change, const Make& make_it);

  store::RegistryStore& store_;
  ChangeLog& log_;
  std::string actor_;
};

}  // namespace countersign::provider
