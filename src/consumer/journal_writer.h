// JournalWriter: the process's one way into the journal. Calls of all loops that begin at the same
// time share one commit, and so one fsync, on a thread of its own: a loop never waits for a disk.
//
// Fails closed: a write whose entry is not durable is not sent. What became of a call is recorded
// in the background: if that is lost in a crash, the entry stays pending, which is the truth.
//
// Does not seal: journalled_request.h and the owner's keys do.

#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/executor.h"
#include "core/log.h"
#include "core/task.h"
#include "core/worker.h"
#include "store/journal.h"

namespace countersign::consumer {

struct JournalWriterOptions {
  store::JournalLimits limits;
  size_t waiting_max = 4096;  // begins that wait for the disk; more are refused
  // How often the limits are enforced; also whenever an entry found no room.
  BootClock::duration purge_interval = std::chrono::minutes(1);
  int64_t purged_at_once = 1000;
};

class JournalWriter final {
 public:
  // `clock` and `log` outlive the writer.
  JournalWriter(std::unique_ptr<store::Journal> journal, const Clock& clock, const Log& log,
                JournalWriterOptions options = {});
  // Records what has ended, then joins its thread.
  ~JournalWriter();

  // On `loop`'s thread. With `started` the entry is durable. If this Task is destroyed, or the
  // deadline comes first, the entry is not made, or ends as `not_sent`. Errors: those of the
  // store, `core.worker_busy`, `core.worker_timeout`, `core.worker_stopped`.
  Task<Result<store::JournalStart>> begin(Executor& loop, store::JournalBegin entry,
                                          BootTime deadline);

  // Thread-safe; does not wait. A begin() that is called afterwards finds it done.
  void end(store::JournalEnd end);

 private:
  struct Begin;
  class Waiting;
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace countersign::consumer
