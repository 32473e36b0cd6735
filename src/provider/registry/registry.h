// Registry: clients, credentials and cut-offs in memory, for deciding without the store. Filled
// when a node starts and kept current by the feed (store/feed_watcher.h calls it as its
// FeedListener). Decisions read it through a RegistryView, one a thread.
//
// When apply() has returned, the changes are in force: every RegistryView::sync() that starts
// afterwards sees them, on every thread. The feed watcher confirms a change to the revoker only
// then.
//
// A record that does not parse is left out, so that what it would allow is refused, and is reported
// by `on_problem`.

#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "core/clock.h"
#include "core/published.h"
#include "core/result.h"
#include "provider/registry/registry_entries.h"
#include "provider/registry/sharded_map.h"
#include "store/feed_watcher.h"
#include "store/registry_store.h"

namespace countersign::provider {

// One version of everything. Never changes; shared by all threads that read this version.
struct RegistrySnapshot {
  uint64_t version = 0;  // 0: nothing was loaded yet
  ShardedMap<ClientPtr> clients;
  ShardedMap<KeyPtr> keys;
  ShardedMap<SecretPtr> secrets;
  ShardedMap<ClientPtr> clients_by_thumbprint;      // by the 32 bytes of the thumbprint
  std::array<ShardedMap<CutOffEntry>, 4> cut_offs;  // by SubjectKind; certificates by the 32 bytes
};

struct RegistryOptions {
  // How long the feed may be silent before is_stale(): the longest time for which a revocation can
  // stay unknown to a node that is cut off from its store.
  std::chrono::milliseconds max_staleness{2000};
  // Told of each record that was left out. On the thread that feeds the registry. May be empty.
  std::function<void(const Error&)> on_problem;
  // Told that there is a new version. On the same thread, before apply() or reload() returns. May
  // be empty.
  std::function<void()> on_change;
};

class Registry final : public store::FeedListener {
 public:
  explicit Registry(RegistryOptions options = {});
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // store::FeedListener; from one thread at a time.
  Result<int64_t> reload(store::RegistryStore& store) override;
  Result<void> apply(store::RegistryStore& store, std::span<const store::Change> changes) override;
  void heard(BootTime at) override;
  void housekeep(WallTime now) override;  // drops cut-offs that have expired

  // Any thread.
  BootTime last_heard() const;
  // True if nothing was heard for longer than max_staleness, or ever. What to do then is the
  // gateway's rule; a gateway that asks nothing else fails closed.
  bool is_stale(BootTime now) const;

 private:
  friend class RegistryView;
  class Edit;
  void publish(RegistrySnapshot next);
  static Result<void> apply_one(store::RegistryStore& store, const store::Change& change,
                                Edit& edit);

  RegistryOptions options_;
  std::mutex writing_;  // one change at a time
  Published<RegistrySnapshot> current_;
  std::atomic<int64_t> last_heard_;  // nanoseconds of BootTime
};

}  // namespace countersign::provider
