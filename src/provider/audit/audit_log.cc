#include "provider/audit/audit_log.h"

#include <utility>

namespace countersign::provider {

namespace {

std::unexpected<Error> unavailable() {
  return fail(ErrorKind::unavailable, "audit.unavailable",
              "The decision cannot be recorded, so nothing is allowed.");
}

}  // namespace

// DurableRecord: the loop hands the line over and awaits the journal's word.

DurableRecord::DurableRecord(AuditLog& log, const AuditRecord& record) : log_(log) {
  if (!log_.check_writable()) {
    result_ = unavailable();
    return;
  }
  log_.hand_over();  // what was decided before stands before it
  AuditBatch batch;
  log_.append_line(batch.lines, record);
  batch.count = 1;
  shared_ = std::make_shared<Shared>();
  batch.done = [shared = shared_](bool on_disk) {
    const std::lock_guard lock(shared->mutex);
    shared->on_disk = on_disk;
    if (shared->awaiter == nullptr) return;
    shared->awaiter->log_.executor_.post([shared] { finish(*shared); });
  };
  log_.journal_.submit(std::move(batch));
  if (!log_.tap_.empty()) log_.arm_flush();
}

DurableRecord::~DurableRecord() {
  if (shared_) abandon();
}

bool DurableRecord::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->on_disk) {
      shared_->awaiter = this;
      log_.executor_.arm(*this, log_.executor_.now() + log_.options_.disk_patience);
      return true;
    }
  }
  result_ = *shared_->on_disk ? Result<void>() : unavailable();
  if (!*result_) ++log_.counters_.refused;
  return false;
}

// On the loop's thread, which alone clears `awaiter`.
void DurableRecord::finish(Shared& shared) {
  if (DurableRecord* awaiter = shared.awaiter) awaiter->resume_with(*shared.on_disk);
}

void DurableRecord::fire() {
  resume_with(false);
}

void DurableRecord::abandon() {
  const std::lock_guard lock(shared_->mutex);
  shared_->awaiter = nullptr;
}

void DurableRecord::resume_with(bool on_disk) {
  abandon();
  log_.executor_.disarm(*this);
  result_ = on_disk ? Result<void>() : unavailable();
  if (!on_disk) ++log_.counters_.refused;
  waiting_.resume();
}

AuditLog::AuditLog(AuditOptions options, AuditJournal& journal, const Clock& clock,
                   Executor& executor)
    : options_(std::move(options)),
      journal_(journal),
      clock_(clock),
      executor_(executor),
      lines_(options_.node),
      timer_(*this) {
  open_.previous_ = open_.next_ = &open_;
}

AuditLog::AuditLog(AuditOptions options, std::unique_ptr<AuditSink> sink, const Clock& clock,
                   Executor& executor)
    : options_(std::move(options)),
      own_journal_(std::make_unique<DirectAuditJournal>(std::move(sink))),
      journal_(*own_journal_),
      clock_(clock),
      executor_(executor),
      lines_(options_.node),
      timer_(*this) {
  open_.previous_ = open_.next_ = &open_;
}

AuditLog::~AuditLog() {
  while (open_.next_ != &open_) open_.next_->leave();
  hand_over();
  show_watch();
}

void AuditLog::OpenRequest::leave() {
  if (previous_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
  log_ = nullptr;
}

void AuditLog::begin(OpenRequest& request) {
  request.leave();
  request.log_ = this;
  request.since_ = executor_.now();
  request.previous_ = open_.previous_;
  request.next_ = &open_;
  open_.previous_->next_ = &request;
  open_.previous_ = &request;
  arm_flush();
}

void AuditLog::arm_flush() {
  if (!timer_.armed()) executor_.arm(timer_, executor_.now() + options_.flush_interval);
}

Result<void> AuditLog::check_writable() {
  if (journal_.accepting()) [[likely]]
    return {};
  if (journal_.retry()) return {};
  ++counters_.refused;
  return unavailable();
}

void AuditLog::end(OpenRequest& request, const AuditRecord& record) {
  request.leave();
  record_allowed(record);
}

void AuditLog::record_allowed(const AuditRecord& record) {
  if (pending_.size() >= options_.pending_bytes_max) {
    ++counters_.lost_lines;
    return;
  }
  append_line(pending_, record);
  ++pending_lines_;
  if (pending_.size() >= options_.flush_bytes && journal_.accepting()) {
    hand_over();
  } else {
    arm_flush();
  }
}

Result<void> AuditLog::flush() {
  hand_over();
  if (journal_.accepting() || journal_.retry()) return {};
  return unavailable();
}

// While the log is broken, what waits stays here, where it is bounded.
void AuditLog::hand_over() {
  if (pending_.empty() || !(journal_.accepting() || journal_.retry())) return;
  AuditBatch batch{.lines = std::move(pending_), .count = pending_lines_, .done = {}};
  pending_ = {};
  pending_.reserve(batch.lines.size());
  pending_lines_ = 0;
  journal_.submit(std::move(batch));
}

void AuditLog::flush_when_due() {
  describe_open_requests();
  hand_over();
  show_watch();
  if (!pending_.empty() || open_.next_ != &open_) {
    executor_.arm(timer_, executor_.now() + options_.flush_interval);
  }
}

void AuditLog::describe_open_requests() {
  const BootTime old = executor_.now() - options_.flush_interval;
  while (open_.next_ != &open_ && open_.next_->since_ <= old) {
    OpenRequest& request = *open_.next_;
    request.leave();
    if (pending_.size() >= options_.pending_bytes_max) {
      ++counters_.lost_lines;
    } else {
      append_line(pending_, request.describe());
      ++pending_lines_;
    }
  }
}

void AuditLog::append_line(std::string& out, const AuditRecord& record) {
  const WallTime now = clock_.wall_now();
  lines_.append(out, record, now);
  if (options_.watch != nullptr) tap_.see(record, now);
}

void AuditLog::show_watch() {
  if (!tap_.empty()) options_.watch->take(tap_.take());
}

}  // namespace countersign::provider
