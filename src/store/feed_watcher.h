// FeedWatcher: follows the feed of a SQLite registry that other processes write, on a thread of its
// own.
//
// How it hears of a change. A writer, once its commit is visible, touches the time stamp of the
// database file (SqliteRegistryStore does); inotify wakes the watcher. Watching the -wal file
// instead would wake it too early: the pages are written there before the commit can be seen, with
// an fsync in between. A poll every `poll_interval` finds what was written without a touch (a
// writer killed in between, a file system without inotify). A wake-up that finds PRAGMA
// data_version unmoved reads nothing else.
//
// How it does not wake others. What it writes goes into the nodes' file (sqlite_registry_store.h),
// which nobody watches, so heartbeats of a hundred nodes wake none of them.
//
// Time spent away from the store (locked, moved, disk failure) is survived: it tries again at every
// poll, and last_heard() stands still meanwhile, so that gateways can fail closed. A file that was
// replaced by another is noticed and loaded whole.

#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "store/registry_store.h"

namespace countersign::store {

// What follows the feed. Called on the watcher's thread (and, for the first load, on that of
// create()), never twice at once. `store` is for loading the rows that changed and is valid during
// the call only.
class FeedListener {
 public:
  virtual ~FeedListener() = default;

  // Everything is to be loaded: at start, and when the changes in between are gone. Returns the seq
  // that was loaded.
  virtual Result<int64_t> reload(RegistryStore& store) = 0;
  // In order, each once. When it has returned a value, the changes are in force on this node: the
  // watcher confirms them. On an error nothing is confirmed and the same changes come again.
  virtual Result<void> apply(RegistryStore& store, std::span<const Change> changes) = 0;
  // The feed was read to its end at this time.
  virtual void heard(BootTime at) = 0;
  // From time to time: what has expired can be dropped.
  virtual void housekeep(WallTime now) = 0;
};

struct FeedWatcherOptions {
  std::string path;                                // of the SQLite registry
  std::string node_name;                           // as shown in receipts
  std::string boot_id;                             // another one at each start
  std::chrono::milliseconds poll_interval{100};    // heartbeats are looked at this often, too
  std::chrono::milliseconds heartbeat_every{500};  // a confirmation counts as one
  std::chrono::milliseconds housekeep_every{60'000};
  // A lock held longer than this counts as the store being away; short, because stop() waits for
  // it.
  std::chrono::milliseconds busy_timeout{250};
  size_t batch_max = 256;  // changes applied between two confirmations
  // A node that is silent for longer does not hold the feed's tail.
  std::chrono::milliseconds node_live_for{5000};
  size_t feed_keep_min = 10'000;  // changes kept for nodes that were away (some 1 MiB)
  // Told when trouble begins, when it becomes another one, and, with nullopt, when it is over. On
  // the watcher's thread. May be empty.
  std::function<void(const std::optional<Error>&)> on_trouble;
};

class FeedWatcher final {
 public:
  // Loads everything into `listener` and confirms it before it returns; then follows. Fails if the
  // store cannot be opened or loaded now. `listener` and `clock` outlive the watcher.
  static Result<std::unique_ptr<FeedWatcher>> create(FeedWatcherOptions options,
                                                     FeedListener& listener, const Clock& clock);
  FeedWatcher(const FeedWatcher&) = delete;
  FeedWatcher& operator=(const FeedWatcher&) = delete;
  ~FeedWatcher();  // stop()

  // The last time at which the feed was read to its end. Any thread.
  BootTime last_heard() const;
  // The newest seq that is in force on this node. Any thread.
  int64_t applied_seq() const;
  // Ends the thread, waits for it, and removes the node from the record: it no longer confirms
  // anything.
  void stop();

 private:
  class Follower;
  explicit FeedWatcher(std::unique_ptr<Follower> follower);
  std::unique_ptr<Follower> follower_;
};

}  // namespace countersign::store
