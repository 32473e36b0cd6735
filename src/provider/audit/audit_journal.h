// AuditJournal: takes lines from the loops' audit logs and brings them into the sink, many at once.
// DirectAuditJournal does it on the thread that hands them over (commands, tests); AuditWriter
// (audit_writer.h) on a thread of its own.

#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "provider/audit/audit_sink.h"

namespace countersign::provider {

// Whole lines of one loop, in order.
struct AuditBatch {
  std::string lines;
  uint64_t count = 0;
  // If set, something waits for them: called, on any thread, with true once they are on disk, with
  // false if they could not be brought there; then they are dropped, because what they say will not
  // be so. Lines that nothing waits for are kept until they can be written.
  std::move_only_function<void(bool on_disk)> done;
};

// Counters for the operator. They only grow.
struct AuditJournalCounters {
  std::atomic<uint64_t> lines = 0;           // in the log
  std::atomic<uint64_t> appends = 0;         // how many writes that took
  std::atomic<uint64_t> syncs = 0;           // how often the disk was waited for
  std::atomic<uint64_t> write_failures = 0;  // appends and syncs that did not succeed
};

class AuditJournal {
 public:
  virtual ~AuditJournal() = default;

  // Thread-safe; does not wait for the disk, unless it is a direct one.
  virtual void submit(AuditBatch batch) = 0;
  // Whether decisions can be recorded: the last attempt succeeded, and not too much waits.
  // Thread-safe, costs a load.
  virtual bool accepting() const = 0;
  // Tries again now, if the implementation can do so without blocking others. accepting().
  virtual bool retry() = 0;
  // Opens the file anew, after it was renamed.
  virtual Result<void> reopen() = 0;

  const AuditJournalCounters& counters() const { return counters_; }

 protected:
  AuditJournalCounters counters_;
};

// Brings batches into a sink: one append and one sync for all that are there. One thread at a time.
class AuditCommitter final {
 public:
  // Both outlive it.
  AuditCommitter(AuditSink& sink, AuditJournalCounters& counters)
      : sink_(sink), counters_(counters) {}

  // Writes all; on disk too if something waits for it, or if `must_sync`. What could not be written
  // and is to be kept stays in `batches`. False: the log is broken.
  bool commit(std::deque<AuditBatch>& batches, bool must_sync);

  bool works() const { return works_; }
  bool unsynced() const { return unsynced_; }  // lines were written that may not be on disk

 private:
  bool append(const std::deque<AuditBatch>& batches);
  bool sync();
  void note_failure(int error_code);
  void note_success();

  AuditSink& sink_;
  AuditJournalCounters& counters_;
  std::string text_;
  bool works_ = false;
  bool unsynced_ = false;
  bool said_so_ = false;  // stderr was told about this outage
};

class DirectAuditJournal final : public AuditJournal {
 public:
  explicit DirectAuditJournal(std::unique_ptr<AuditSink> sink)
      : sink_(std::move(sink)), committer_(*sink_, counters_) {}

  void submit(AuditBatch batch) override;
  bool accepting() const override { return committer_.works(); }
  bool retry() override;
  Result<void> reopen() override { return sink_->reopen(); }

 private:
  std::unique_ptr<AuditSink> sink_;
  AuditCommitter committer_;
  std::deque<AuditBatch> waiting_;
};

}  // namespace countersign::provider
