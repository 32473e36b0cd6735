// AuditWriter: the thread that writes a process's audit log. The loops hand lines over and go on;
// it brings them into the file, and waits for the disk once for all decisions that wait at the time
// (group commit). Nothing of that is on an event loop: a loop takes a lock when it hands lines
// over, once each flush interval and once for a decision that must be on disk.
//
// Fails closed: while the file cannot be written, or more waits than `backlog_bytes_max`, nothing
// is accepted.

#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core/clock.h"
#include "provider/audit/audit_journal.h"

namespace countersign::provider {

struct AuditWriterOptions {
  // Lines that nothing waits for are on disk this long after they were written, at the latest.
  std::chrono::milliseconds sync_interval{200};
  std::chrono::milliseconds retry_interval{100};  // while the log is broken
  std::chrono::milliseconds tick{1'000};          // how often the sink is asked what is due
  size_t backlog_bytes_max = 16 * 1024 * 1024;    // a slow disk; a third of a minute of full load
};

class AuditWriter final : public AuditJournal {
 public:
  // `audit.unavailable` if the sink cannot be written now. `clock` outlives it.
  static Result<std::unique_ptr<AuditWriter>> start(AuditWriterOptions options,
                                                    std::unique_ptr<AuditSink> sink,
                                                    const Clock& clock);
  // Writes what waits, as far as that goes, and what is still handed over meanwhile.
  ~AuditWriter() override;
  AuditWriter(const AuditWriter&) = delete;
  AuditWriter& operator=(const AuditWriter&) = delete;

  void submit(AuditBatch batch) override;
  bool accepting() const override { return accepting_.load(std::memory_order_relaxed); }
  bool retry() override { return accepting(); }
  // Is done by the thread; a failure is in the process's log, and the old file goes on.
  Result<void> reopen() override;

  // Blocks until the lines are on disk: for threads that may wait. False: they are not.
  bool write_and_wait(std::string lines, uint64_t count);

 private:
  AuditWriter(AuditWriterOptions options, std::unique_ptr<AuditSink> sink, const Clock& clock);
  void serve();
  std::chrono::milliseconds pause(bool works, bool unsynced) const;

  AuditWriterOptions options_;
  const Clock& clock_;
  std::unique_ptr<AuditSink> sink_;
  AuditCommitter committer_;  // of the thread
  std::atomic<bool> accepting_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<AuditBatch> queue_;
  size_t backlog_bytes_ = 0;  // of the queue and of what the thread holds
  bool works_ = true;
  bool must_reopen_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace countersign::provider
