#include "provider/audit/audit_log.h"

#include <algorithm>
#include <cstring>

#include "core/log.h"

namespace countersign::provider {

namespace {

std::unexpected<Error> unavailable() {
  return fail(ErrorKind::unavailable, "audit.unavailable",
              "The decision cannot be recorded, so nothing is allowed.");
}

}  // namespace

AuditLog::AuditLog(AuditOptions options, std::unique_ptr<AuditSink> sink, const Clock& clock,
                   Executor& executor)
    : options_(std::move(options)),
      sink_(std::move(sink)),
      clock_(clock),
      executor_(executor),
      lines_(options_.node),
      timer_(*this) {
  open_.previous_ = open_.next_ = &open_;
  // The first check_writable() writes this line: a log that cannot be written is known before
  // anything is allowed.
  append_line({.event = AuditEvent::log_opened});
}

AuditLog::~AuditLog() {
  while (open_.next_ != &open_) open_.next_->leave();
  write_pending();
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
  if (!timer_.armed()) executor_.arm(timer_, executor_.now() + options_.flush_interval);
}

Result<void> AuditLog::check_writable() {
  if (writable_) [[likely]]
    return {};
  if (write_pending()) return {};
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
  append_line(record);
  if (pending_.size() >= options_.flush_bytes && writable_) {
    write_pending();
  } else if (!timer_.armed()) {
    executor_.arm(timer_, executor_.now() + options_.flush_interval);
  }
}

Result<void> AuditLog::record_now(const AuditRecord& record) {
  CS_CHECK(check_writable());
  append_line(record);
  if (write_pending()) return {};
  // Its decision does not stand, so its line does not wait for better times either.
  const size_t line_start =
      pending_.size() < 2 ? std::string::npos : pending_.rfind('\n', pending_.size() - 2);
  pending_.resize(line_start == std::string::npos ? 0 : line_start + 1);
  --pending_lines_;
  ++counters_.refused;
  return unavailable();
}

Result<void> AuditLog::flush() {
  if (write_pending()) return {};
  return unavailable();
}

Result<void> AuditLog::reopen() {
  write_pending();
  CS_CHECK(sink_->reopen());
  torn_line_ = false;
  append_line({.event = AuditEvent::log_opened});
  write_pending();
  return {};
}

// True if nothing waits any more. What did not get through is kept, from the start of the line it
// broke off in.
bool AuditLog::write_pending() {
  if (pending_.empty()) {
    if (writable_) return true;
    append_line(
        {.event = AuditEvent::log_opened});  // only a write tells whether writing works again
  }
  if (torn_line_) {
    const AuditSink::Written ended = sink_->append("\n");
    if (ended.error_code != 0) {
      note_failure(ended.error_code);
      return false;
    }
    torn_line_ = false;
  }
  const AuditSink::Written written = sink_->append(pending_);
  if (written.error_code == 0) {
    counters_.lines += pending_lines_;
    pending_.clear();
    pending_lines_ = 0;
    note_recovery();
    return true;
  }
  const std::string_view sent(pending_.data(), written.bytes);
  const auto whole_lines = static_cast<uint64_t>(std::ranges::count(sent, '\n'));
  const size_t whole_bytes = whole_lines == 0 ? 0 : sent.rfind('\n') + 1;
  torn_line_ = whole_bytes < written.bytes;
  counters_.lines += whole_lines;
  pending_lines_ -= whole_lines;
  pending_.erase(0, whole_bytes);
  note_failure(written.error_code);
  return false;
}

void AuditLog::flush_when_due() {
  describe_open_requests();
  const bool written = write_pending();
  // While the log is broken this is also what finds out that it works again.
  if (!written || open_.next_ != &open_) {
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
      append_line(request.describe());
    }
  }
}

void AuditLog::note_failure(int error_code) {
  writable_ = false;
  ++counters_.write_failures;
  if (said_so_) return;
  said_so_ = true;
  process_log().error("audit.unavailable", {{"errno", error_code},
                                            {"text", std::strerror(error_code)},
                                            {"effect", "requests are refused"}});
}

void AuditLog::note_recovery() {
  writable_ = true;
  if (!said_so_) return;
  said_so_ = false;
  process_log().info("audit.available");
}

void AuditLog::append_line(const AuditRecord& record) {
  lines_.append(pending_, record, clock_.wall_now());
  ++pending_lines_;
}

}  // namespace countersign::provider
