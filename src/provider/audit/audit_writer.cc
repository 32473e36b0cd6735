#include "provider/audit/audit_writer.h"

#include <future>
#include <utility>

#include <pthread.h>
#include <signal.h>

#include "core/log.h"

namespace countersign::provider {

AuditWriter::AuditWriter(AuditWriterOptions options, std::unique_ptr<AuditSink> sink,
                         const Clock& clock)
    : options_(options), clock_(clock), sink_(std::move(sink)), committer_(*sink_, counters_) {}

Result<std::unique_ptr<AuditWriter>> AuditWriter::start(AuditWriterOptions options,
                                                        std::unique_ptr<AuditSink> sink,
                                                        const Clock& clock) {
  auto writer = std::unique_ptr<AuditWriter>(new AuditWriter(options, std::move(sink), clock));
  std::deque<AuditBatch> nothing;
  if (!writer->committer_.commit(nothing, /*must_sync=*/true)) {
    return fail(ErrorKind::unavailable, "audit.unavailable", "The audit log cannot be written.");
  }
  writer->accepting_ = true;
  writer->thread_ = std::thread([raw = writer.get()] { raw->serve(); });
  return writer;
}

AuditWriter::~AuditWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AuditWriter::submit(AuditBatch batch) {
  bool must_wake = false;
  {
    const std::lock_guard lock(mutex_);
    backlog_bytes_ += batch.lines.size();
    if (backlog_bytes_ > options_.backlog_bytes_max) accepting_ = false;
    must_wake = queue_.empty() || batch.done;
    queue_.push_back(std::move(batch));
  }
  if (must_wake) changed_.notify_one();
}

Result<void> AuditWriter::reopen() {
  {
    const std::lock_guard lock(mutex_);
    must_reopen_ = true;
  }
  changed_.notify_one();
  return {};
}

bool AuditWriter::write_and_wait(std::string lines, uint64_t count) {
  std::promise<bool> answer;
  auto on_disk = answer.get_future();
  submit(
      {.lines = std::move(lines),
       .count = count,
       .done = [answer = std::move(answer)](bool written) mutable { answer.set_value(written); }});
  return on_disk.get();
}

std::chrono::milliseconds AuditWriter::pause(bool works, bool unsynced) const {
  if (!works) return options_.retry_interval;
  return unsynced ? options_.sync_interval : options_.tick;
}

void AuditWriter::serve() {
  // Signals are for the threads that have asked for them.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::deque<AuditBatch> taken;
  auto synced_at = clock_.boot_now();
  std::unique_lock lock(mutex_);
  for (;;) {
    // Broken: what waits does not make it try more often.
    const auto ready = [this] { return stopping_ || must_reopen_ || (works_ && !queue_.empty()); };
    changed_.wait_for(lock, pause(works_, committer_.unsynced()), ready);
    const bool is_stopping = stopping_;
    const bool is_last = is_stopping && queue_.empty();
    const bool reopen = std::exchange(must_reopen_, false);
    while (!queue_.empty()) {
      taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    lock.unlock();

    if (reopen) {
      if (const auto opened = sink_->reopen(); !opened) {
        process_log().error("audit.reopen_failed", {{"error", opened.error()}});
      }
    }
    const bool must_sync = is_last || clock_.boot_now() - synced_at >= options_.sync_interval;
    const uint64_t syncs = counters_.syncs;
    const bool works = committer_.commit(taken, must_sync);
    if (counters_.syncs != syncs) synced_at = clock_.boot_now();

    lock.lock();
    works_ = works;
    backlog_bytes_ = 0;
    for (const auto* batches : {&taken, &queue_}) {
      for (const AuditBatch& batch : *batches) backlog_bytes_ += batch.lines.size();
    }
    accepting_ = works_ && backlog_bytes_ <= options_.backlog_bytes_max;
    if (is_last && queue_.empty()) return;
    if (is_stopping && !works_) return;  // it was tried once more
  }
}

}  // namespace countersign::provider
