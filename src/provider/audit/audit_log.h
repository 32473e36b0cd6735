// AuditLog: the record of what was decided, as JSON lines (design §5.7). One object per loop, with
// its own buffer and its own descriptor on the same file: no lock, no other thread.
//
// Everything but allowed requests is in the file before its answer leaves. Allowed requests are
// buffered: their line is in the file at most `flush_interval` after their answer, and a request
// that is under way for longer than that has a line of its own before, so that no allowed request
// goes unrecorded if the process is killed, but those of the last two intervals. Fails closed:
// while the log cannot be written, nothing is allowed and nothing is granted. Does not protect the
// file against whoever may write to it.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/executor.h"
#include "core/result.h"
#include "provider/audit/audit_record.h"
#include "provider/audit/audit_sink.h"

namespace countersign::provider {

struct AuditOptions {
  std::string node = "gateway";  // names this process in the lines
  std::chrono::milliseconds flush_interval{
      100};                        // what a killed process can lose of allowed requests
  size_t flush_bytes = 64 * 1024;  // written earlier when so much waits: about 150 lines
  size_t pending_bytes_max =
      1024 * 1024;  // lines of requests under way when the log broke; later ones are counted only
};

// Counters for the operator. They only grow.
struct AuditCounters {
  uint64_t lines = 0;           // handed to the file
  uint64_t write_failures = 0;  // appends that did not complete
  uint64_t refused = 0;         // decisions refused because the log could not be written
  uint64_t lost_lines =
      0;  // of requests that were under way when the log broke, beyond pending_bytes_max
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
  AuditLog(AuditOptions options, std::unique_ptr<AuditSink> sink, const Clock& clock,
           Executor& executor);
  // Writes what waits, as far as that goes.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // `audit.unavailable` while the log cannot be written. Ask before something is allowed: its line
  // is written only when its answer is known. Costs a compare while all is well; tries to write
  // while it is not. Fails closed.
  Result<void> check_writable();

  // The request is under way from now until end(), or until it is destroyed.
  void begin(OpenRequest& request);
  // Its last line: record_allowed().
  void end(OpenRequest& request, const AuditRecord& record);

  // The line of an allowed request; buffered. Cannot fail: the request has already been passed on.
  // A broken log is seen by the next check_writable().
  void record_allowed(const AuditRecord& record);

  // The line of anything else (denial, token granted or refused); in the file when this returns. On
  // `audit.unavailable` the decision must not stand: answer 503. Fails closed.
  Result<void> record_now(const AuditRecord& record);

  // Writes what waits. `audit.unavailable` if not all of it could be written; it is kept. A line
  // that broke off is ended and then written again as a whole.
  Result<void> flush();

  // After log rotation renamed the file. `audit.open_failed`: the old file stays in use.
  Result<void> reopen();

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

  bool write_pending();
  void describe_open_requests();
  void flush_when_due();
  void note_failure(int error_code);
  void note_recovery();
  void append_line(const AuditRecord& record);

  AuditOptions options_;
  std::unique_ptr<AuditSink> sink_;
  const Clock& clock_;
  Executor& executor_;
  AuditLineWriter lines_;
  FlushTimer timer_;
  OpenListHead open_;           // a ring, oldest first; those that were described have left it
  std::string pending_;         // whole lines only
  uint64_t pending_lines_ = 0;  // how many
  bool writable_ = false;       // proven by the last append
  bool torn_line_ = false;      // the file ends within a line of ours
  bool said_so_ = false;        // stderr was told about this outage
  AuditCounters counters_;
};

}  // namespace countersign::provider
