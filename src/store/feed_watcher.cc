#include "store/feed_watcher.h"

#include <optional>
#include <thread>
#include <utility>

#include <sys/stat.h>

#include "store/file_bell.h"
#include "store/sqlite_registry_store.h"

namespace countersign::store {
namespace {

// Which files the registry's two paths lead to; two files never have the same identity at a time.
using FileIdentity = std::pair<dev_t, ino_t>;
using RegistryIdentity = std::pair<FileIdentity, FileIdentity>;

Result<FileIdentity> identify_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorKind::unavailable, "store.unavailable", "the database cannot be reached",
                "\"" + path + "\" is not there");
  }
  return FileIdentity{status.st_dev, status.st_ino};
}

std::string nodes_path(const std::string& path) {
  return path + ".nodes";
}

Result<RegistryIdentity> identify(const std::string& path) {
  CS_TRY(const FileIdentity record, identify_file(path));
  CS_TRY(const FileIdentity nodes, identify_file(nodes_path(path)));
  return RegistryIdentity{record, nodes};
}

// The connection itself is of no more use: the next turn opens another. A lock that is held passes
// by itself.
bool is_lost(const Error& error) {
  return error.code == "store.io_error" || error.code == "store.corrupt" ||
         error.code == "store.unavailable";
}

}  // namespace

class FeedWatcher::Follower final {
 public:
  Follower(FeedWatcherOptions options, FeedListener& listener, const Clock& clock)
      : options_(std::move(options)), listener_(listener), clock_(clock) {}

  Result<void> begin() {
    CS_CHECK(open());
    CS_CHECK(turn());
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void end() {
    if (!thread_.joinable()) return;
    stopping_.store(true, std::memory_order_relaxed);
    bell_.stop();
    thread_.join();
    // Should this fail, the row counts as live only until its heartbeat is too old.
    if (store_) [[maybe_unused]]
      const auto removed = store_->remove_node(options_.node_name, options_.boot_id);
    store_.reset();
  }

  std::atomic<int64_t> heard_{0};  // nanoseconds of BootTime
  std::atomic<int64_t> applied_{0};

 private:
  void run() {
    while (!stopping_.load(std::memory_order_relaxed)) {
      bell_.wait(options_.poll_interval);
      if (stopping_.load(std::memory_order_relaxed)) return;
      report(turn());
    }
  }

  // Once around: is it the same file, what changed, heartbeat, housekeeping.
  Result<void> turn() {
    CS_CHECK(keep_open());
    if (auto followed = follow(); !followed) {
      if (is_lost(followed.error())) store_.reset();
      return followed;
    }
    CS_CHECK(confirm());
    return housekeep();
  }

  // Never makes a file: one that vanished must not be replaced by an empty one, which would know no
  // cut-offs.
  Result<void> open() {
    // Before opening: should the path lead elsewhere a moment later, the next turn sees the
    // difference.
    CS_TRY(identity_.first, identify_file(options_.path));
    CS_TRY(store_,
           SqliteRegistryStore::open(options_.path, clock_,
                                     {.create = false, .busy_timeout = options_.busy_timeout}));
    CS_TRY(identity_.second, identify_file(nodes_path(options_.path)));
    bell_.listen_to(options_.path);
    must_reload_ = true;
    return {};
  }

  Result<void> keep_open() {
    if (store_) {
      const auto found = identify(options_.path);
      if (found && identity_ == *found) return {};
      store_.reset();  // not read any more: it may be a file that nobody writes to
    }
    return open();
  }

  // Applies what is new. The data version is read first: a commit in between is then looked at
  // twice, never missed.
  Result<void> follow() {
    const BootTime began = clock_.boot_now();
    CS_TRY(const int64_t version, store_->data_version());
    if (must_reload_ || version != seen_version_) {
      CS_CHECK(catch_up());
      seen_version_ = version;
    }
    heard_.store(began.time_since_epoch().count(), std::memory_order_release);
    listener_.heard(began);
    return {};
  }

  Result<void> catch_up() {
    for (;;) {
      if (must_reload_) {
        CS_TRY(const int64_t seq, listener_.reload(*store_));
        must_reload_ = false;
        note_applied(seq);
      }
      CS_TRY(const FeedBatch batch, store_->changes_since(applied_.load(), options_.batch_max));
      if (batch.must_reload) {
        must_reload_ = true;
        continue;
      }
      if (batch.changes.empty()) return {};
      CS_CHECK(listener_.apply(*store_, batch.changes));
      note_applied(batch.changes.back().seq);
    }
  }

  // A confirmation that fails is repeated at the next turn; the changes are in force regardless.
  void note_applied(int64_t seq) {
    applied_.store(seq, std::memory_order_release);
    unconfirmed_ = true;
    [[maybe_unused]] const auto confirmed = confirm();
  }

  Result<void> confirm() {
    const BootTime now = clock_.boot_now();
    if (!unconfirmed_ && now < heartbeat_due_) return {};
    CS_CHECK(store_->record_node({options_.node_name, options_.boot_id, applied_.load(), {}}));
    unconfirmed_ = false;
    heartbeat_due_ = now + options_.heartbeat_every;
    return {};
  }

  Result<void> housekeep() {
    const BootTime now = clock_.boot_now();
    if (now < housekeeping_due_) return {};
    housekeeping_due_ = now + options_.housekeep_every;
    const WallTime wall = clock_.wall_now();
    listener_.housekeep(wall);
    CS_CHECK(store_->purge_expired_cut_offs(wall));
    CS_CHECK(store_->trim_feed(options_.node_live_for, options_.feed_keep_min));
    return {};
  }

  void report(const Result<void>& result) {
    const std::string code = result ? "" : result.error().code;
    if (code == trouble_) return;
    trouble_ = code;
    if (!options_.on_trouble) return;
    options_.on_trouble(result ? std::nullopt : std::optional(result.error()));
  }

  const FeedWatcherOptions options_;
  FeedListener& listener_;
  const Clock& clock_;
  FileBell bell_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<SqliteRegistryStore> store_;
  RegistryIdentity identity_;
  bool must_reload_ = true;
  bool unconfirmed_ = false;
  int64_t seen_version_ = 0;
  BootTime heartbeat_due_{};
  BootTime housekeeping_due_{};
  std::string trouble_;  // code of the error that was reported last; empty: none
  std::thread thread_;
};

FeedWatcher::FeedWatcher(std::unique_ptr<Follower> follower) : follower_(std::move(follower)) {}

FeedWatcher::~FeedWatcher() {
  stop();
}

Result<std::unique_ptr<FeedWatcher>> FeedWatcher::create(FeedWatcherOptions options,
                                                         FeedListener& listener,
                                                         const Clock& clock) {
  // Makes the files and their schemas, with the patience that several processes starting at once
  // need.
  CS_CHECK(SqliteRegistryStore::open(options.path, clock));
  auto follower = std::make_unique<Follower>(std::move(options), listener, clock);
  CS_CHECK(follower->begin());
  return std::unique_ptr<FeedWatcher>(new FeedWatcher(std::move(follower)));
}

BootTime FeedWatcher::last_heard() const {
  return BootTime(std::chrono::nanoseconds(follower_->heard_.load(std::memory_order_acquire)));
}

int64_t FeedWatcher::applied_seq() const {
  return follower_->applied_.load(std::memory_order_acquire);
}

void FeedWatcher::stop() {
  follower_->end();
}

}  // namespace countersign::store
