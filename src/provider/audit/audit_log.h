// AuditLog: the record of what was decided, as JSON lines (design §5.7). One object per loop; lines
// go through its own buffer to the process's AuditJournal. No lock and no system call for an
// allowed request.
//
// A decision that must not get lost (a denial, a token granted or refused) is on disk before its
// answer leaves: co_await record(). Allowed requests are buffered: their line is in the file at
// most `flush_interval` after their answer and on disk soon after
// (AuditWriterOptions::sync_interval); a request that is under way for longer than that has a line
// of its own before, so that no allowed request goes unrecorded if the process is killed, but those
// of the last two intervals. Fails closed: while the log cannot be written, nothing is allowed and
// nothing is granted.

#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/executor.h"
#include "core/result.h"
#include "provider/audit/audit_journal.h"
#include "provider/audit/audit_record.h"
#include "provider/audit/watch_event.h"

namespace countersign::provider {

struct AuditOptions {
  std::string node = "gateway";  // names this process in the lines
  std::chrono::milliseconds flush_interval{
      100};                        // what a killed process can lose of allowed requests
  size_t flush_bytes = 64 * 1024;  // written earlier when so much waits: about 150 lines
  size_t pending_bytes_max =
      1024 * 1024;  // lines of requests under way when the log broke; later ones are counted only
  // A decision whose line is not on disk by then is answered 503; the line may be there all the
  // same.
  std::chrono::milliseconds disk_patience{10'000};
  WatchSink* watch = nullptr;  // is shown what was decided; outlives the log
};

// Counters for the operator. They only grow.
struct AuditCounters {
  uint64_t refused = 0;  // decisions refused because the log could not be written
  uint64_t lost_lines =
      0;  // of requests that were under way when the log broke, beyond pending_bytes_max
};

// What AuditLog::record() gives: co_await it for Result<void>. Its line is on its way already; if
// the awaiting coroutine is destroyed, it goes on without it.
class [[nodiscard]] DurableRecord final : private Timer {
 public:
  DurableRecord(DurableRecord&&) = delete;
  ~DurableRecord() override;

  bool await_ready() const noexcept { return result_.has_value(); }
  bool await_suspend(std::coroutine_handle<> waiting);
  // `audit.unavailable`: the decision must not stand. Fails closed.
  Result<void> await_resume() { return *std::move(result_); }

 private:
  friend class AuditLog;
  // What awaiter and journal share. The awaiter, and through it the executor, is used under the
  // mutex only.
  struct Shared {
    std::mutex mutex;
    DurableRecord* awaiter = nullptr;
    std::optional<bool> on_disk;
  };
  DurableRecord(class AuditLog& log, const AuditRecord& record);
  static void finish(Shared& shared);
  void fire() override;
  void abandon();
  void resume_with(bool on_disk);

  AuditLog& log_;
  std::shared_ptr<Shared> shared_;
  std::coroutine_handle<> waiting_;
  std::optional<Result<void>> result_;
};

class AuditLog final {
 public:
  // A request that was allowed and has no answer yet. Lives in the frame of who serves it.
  class OpenRequest {
   public:
    OpenRequest() = default;
    OpenRequest(const OpenRequest&) = delete;
    OpenRequest& operator=(const OpenRequest&) = delete;
    virtual ~OpenRequest() { leave(); }

   protected:
    // The line about it. Called when it has been open for long.
    virtual AuditRecord describe() const = 0;
    // The log it is open in, without a line yet; else null.
    AuditLog* open_in() const { return log_; }

   private:
    friend class AuditLog;
    void leave();
    AuditLog* log_ = nullptr;
    OpenRequest* previous_ = nullptr;  // null: not in a log's list
    OpenRequest* next_ = nullptr;
    BootTime since_{};
  };

  // All references outlive the log.
  AuditLog(AuditOptions options, AuditJournal& journal, const Clock& clock, Executor& executor);
  // With a journal of its own that writes on this thread: for tests.
  AuditLog(AuditOptions options, std::unique_ptr<AuditSink> sink, const Clock& clock,
           Executor& executor);
  // Hands over what waits.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // `audit.unavailable` while the log cannot be written. Ask before something is allowed: its line
  // is written only when its answer is known. Costs a load while all is well. Fails closed.
  Result<void> check_writable();

  // The request is under way from now until end(), or until it is destroyed.
  void begin(OpenRequest& request);
  // It is refused after all: record() has its line.
  void withdraw(OpenRequest& request) { request.leave(); }
  // Its last line: record_allowed().
  void end(OpenRequest& request, const AuditRecord& record);

  // The line of an allowed request; buffered. Cannot fail: the request has already been passed on.
  // A broken log is seen by the next check_writable().
  void record_allowed(const AuditRecord& record);

  // The line of anything else (denial, token granted or refused): `co_await` it before the answer.
  // The record's views are used before it returns.
  DurableRecord record(const AuditRecord& record) { return {*this, record}; }

  // Hands over what waits, without waiting for the file. `audit.unavailable` while that is broken.
  Result<void> flush();

  const AuditCounters& counters() const { return counters_; }

 private:
  class FlushTimer final : public Timer {
   public:
    explicit FlushTimer(AuditLog& log) : log_(log) {}

   private:
    void fire() override { log_.flush_when_due(); }
    AuditLog& log_;
  };

  class OpenListHead final : public OpenRequest {
    AuditRecord describe() const override { return {}; }
  };

  friend class DurableRecord;
  void arm_flush();
  void hand_over();
  void describe_open_requests();
  void flush_when_due();
  void append_line(std::string& out, const AuditRecord& record);
  void show_watch();

  AuditOptions options_;
  std::unique_ptr<AuditJournal> own_journal_;
  AuditJournal& journal_;
  const Clock& clock_;
  Executor& executor_;
  AuditLineWriter lines_;
  FlushTimer timer_;
  OpenListHead open_;           // a ring, oldest first; those that were described have left it
  std::string pending_;         // whole lines only
  uint64_t pending_lines_ = 0;  // how many
  WatchTap tap_;
  AuditCounters counters_;
};

}  // namespace countersign::provider
