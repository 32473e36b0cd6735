#include "provider/registry/registry.h"

#include <limits>
#include <utility>

namespace countersign::provider {
namespace {

constexpr int64_t never_heard = std::numeric_limits<int64_t>::min();

std::string_view key_of(const crypto::Sha256Digest& thumbprint) {
  return as_text(thumbprint);
}

}  // namespace

// The next version, while it is being made.
class Registry::Edit final {
 public:
  // From `base`. Rate limits go on as they stand in `before`.
  Edit(RegistrySnapshot base, std::shared_ptr<const RegistrySnapshot> before,
       const std::function<void(const Error&)>& on_problem)
      : before_(std::move(before)),
        version_(base.version),
        clients_(std::move(base.clients)),
        keys_(std::move(base.keys)),
        secrets_(std::move(base.secrets)),
        by_thumbprint_(std::move(base.clients_by_thumbprint)),
        cut_offs_{CutOffs(std::move(base.cut_offs[0])), CutOffs(std::move(base.cut_offs[1])),
                  CutOffs(std::move(base.cut_offs[2])), CutOffs(std::move(base.cut_offs[3]))},
        on_problem_(on_problem) {}

  void put_client(const store::ClientRecord& record) {
    drop_client(record.client_id);
    auto entry = accept(parse_client(record));
    if (!entry) return;
    if (const ClientPtr* old = before_->clients.find(record.client_id))
      entry->bucket.follow((*old)->bucket);
    for (const auto& thumbprint : entry->thumbprints) by_thumbprint_.set(key_of(thumbprint), entry);
    clients_.set(record.client_id, std::move(entry));
  }

  void drop_client(std::string_view client_id) {
    const ClientPtr* const found = clients_.find(client_id);
    if (!found) return;
    const ClientPtr old = *found;
    for (const auto& thumbprint : old->thumbprints) {
      const ClientPtr* const indexed = by_thumbprint_.find(key_of(thumbprint));
      if (indexed && *indexed == old) by_thumbprint_.erase(key_of(thumbprint));
    }
    clients_.erase(client_id);
  }

  void put_key(const store::KeyRecord& record) {
    auto entry = accept(parse_key(record));
    if (!entry) return keys_.erase(record.key_id);
    if (const KeyPtr* old = before_->keys.find(record.key_id)) entry->bucket.follow((*old)->bucket);
    keys_.set(record.key_id, std::move(entry));
  }
  void drop_key(std::string_view key_id) { keys_.erase(key_id); }

  void put_secret(const store::SecretRecord& record) {
    auto entry = accept(parse_secret(record));
    if (!entry) return secrets_.erase(record.secret_id);
    if (const SecretPtr* old = before_->secrets.find(record.secret_id))
      entry->bucket.follow((*old)->bucket);
    secrets_.set(record.secret_id, std::move(entry));
  }
  void drop_secret(std::string_view secret_id) { secrets_.erase(secret_id); }

  void put_cut_off(const store::CutOffRecord& record) {
    const CutOffEntry entry{record.issued_at_or_before, record.expires_at};
    CutOffs& map = cut_offs_[static_cast<size_t>(record.kind)];
    if (record.kind != SubjectKind::certificate) return map.set(record.subject, entry);
    const auto thumbprint = parse_thumbprint(record.subject);
    if (!thumbprint) return problem(thumbprint.error());
    map.set(key_of(*thumbprint), entry);
  }

  void drop_expired_cut_offs(WallTime now) {
    for (CutOffs& map : cut_offs_) {
      map.erase_if(
          [&](const CutOffEntry& entry) { return entry.expires_at && *entry.expires_at <= now; });
    }
  }

  RegistrySnapshot finish() {
    return {.version = version_ + 1,
            .clients = clients_.finish(),
            .keys = keys_.finish(),
            .secrets = secrets_.finish(),
            .clients_by_thumbprint = by_thumbprint_.finish(),
            .cut_offs = {cut_offs_[0].finish(), cut_offs_[1].finish(), cut_offs_[2].finish(),
                         cut_offs_[3].finish()}};
  }

 private:
  using CutOffs = ShardedMap<CutOffEntry>::Editor;

  // Null for a record that cannot be read: left out, so that what it would allow is refused.
  template <typename Ptr>
  Ptr accept(Result<Ptr> parsed) {
    if (parsed) return *std::move(parsed);
    problem(parsed.error());
    return nullptr;
  }
  void problem(const Error& error) const {
    if (on_problem_) on_problem_(error);
  }

  std::shared_ptr<const RegistrySnapshot> before_;
  uint64_t version_;
  ShardedMap<ClientPtr>::Editor clients_;
  ShardedMap<KeyPtr>::Editor keys_;
  ShardedMap<SecretPtr>::Editor secrets_;
  ShardedMap<ClientPtr>::Editor by_thumbprint_;
  std::array<CutOffs, 4> cut_offs_;
  const std::function<void(const Error&)>& on_problem_;
};

Registry::Registry(RegistryOptions options)
    : options_(std::move(options)),
      current_(std::make_shared<const RegistrySnapshot>()),
      last_heard_(never_heard) {}

void Registry::publish(RegistrySnapshot next) {
  current_.publish(std::make_shared<const RegistrySnapshot>(std::move(next)));
  if (options_.on_change) options_.on_change();
}

Result<int64_t> Registry::reload(store::RegistryStore& store) {
  const std::lock_guard lock(writing_);
  CS_TRY(const store::RegistryContents all, store.load_all());
  RegistrySnapshot empty;
  auto before = current_.load();
  empty.version = before->version;
  Edit edit(std::move(empty), std::move(before), options_.on_problem);
  for (const auto& client : all.clients) edit.put_client(client);
  for (const auto& key : all.keys) edit.put_key(key);
  for (const auto& secret : all.secrets) edit.put_secret(secret);
  for (const auto& cut_off : all.cut_offs) edit.put_cut_off(cut_off);
  publish(edit.finish());
  return all.seq;
}

Result<void> Registry::apply_one(store::RegistryStore& store, const store::Change& change,
                                 Edit& edit) {
  switch (change.entity) {
    case store::ChangedEntity::client: {
      CS_TRY(const auto record, store.find_client(change.id));
      record ? edit.put_client(*record) : edit.drop_client(change.id);
      return {};
    }
    case store::ChangedEntity::key: {
      CS_TRY(const auto record, store.find_key(change.id));
      record ? edit.put_key(*record) : edit.drop_key(change.id);
      return {};
    }
    case store::ChangedEntity::secret: {
      CS_TRY(const auto record, store.find_secret(change.id));
      record ? edit.put_secret(*record) : edit.drop_secret(change.id);
      return {};
    }
    case store::ChangedEntity::cut_off: {
      const auto id = store::parse_cut_off_id(change.id);
      if (!id)
        return fail(ErrorKind::corrupt, "registry.bad_record", "the feed names no cut-off",
                    change.id);
      CS_TRY(const auto record, store.find_cut_off(id->kind, id->subject));
      // One that is gone has expired; housekeep() drops it by this node's clock.
      if (record) edit.put_cut_off(*record);
      return {};
    }
  }
  panic("a ChangedEntity that the registry does not know");
}

Result<void> Registry::apply(store::RegistryStore& store, std::span<const store::Change> changes) {
  const std::lock_guard lock(writing_);
  auto before = current_.load();
  Edit edit(*before, before, options_.on_problem);
  for (const store::Change& change : changes) CS_CHECK(apply_one(store, change, edit));
  publish(edit.finish());
  return {};
}

void Registry::heard(BootTime at) {
  last_heard_.store(at.time_since_epoch().count(), std::memory_order_release);
}

void Registry::housekeep(WallTime now) {
  const std::lock_guard lock(writing_);
  const auto current = current_.load();
  Edit edit(*current, current, options_.on_problem);
  edit.drop_expired_cut_offs(now);
  RegistrySnapshot next = edit.finish();
  // No new version if there was nothing to drop: it would make every thread look up again what it
  // remembers.
  for (size_t kind = 0; kind < next.cut_offs.size(); ++kind) {
    if (next.cut_offs[kind].size() != current->cut_offs[kind].size())
      return publish(std::move(next));
  }
}

BootTime Registry::last_heard() const {
  return BootTime(std::chrono::nanoseconds(last_heard_.load(std::memory_order_acquire)));
}

bool Registry::is_stale(BootTime now) const {
  const int64_t heard = last_heard_.load(std::memory_order_acquire);
  return heard == never_heard ||
         now - BootTime(std::chrono::nanoseconds(heard)) > options_.max_staleness;
}

}  // namespace countersign::provider
