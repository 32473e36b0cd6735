#include "provider/audit/audit_journal.h"

#include <cstring>
#include <utility>

#include "core/log.h"

namespace countersign::provider {

bool AuditCommitter::commit(std::deque<AuditBatch>& batches, bool must_sync) {
  bool something_waits = false;
  for (const AuditBatch& batch : batches) something_waits |= static_cast<bool>(batch.done);
  const bool appended = append(batches);
  if (appended) unsynced_ |= !batches.empty();
  const bool synced = appended && (!(something_waits || (must_sync && unsynced_)) || sync());
  std::deque<AuditBatch> kept;
  for (AuditBatch& batch : batches) {
    if (batch.done) {
      batch.done(synced);
    } else if (!appended) {
      kept.push_back(std::move(batch));
    }
  }
  batches.swap(kept);
  if (synced) note_success();
  return synced;
}

bool AuditCommitter::append(const std::deque<AuditBatch>& batches) {
  text_.clear();
  uint64_t count = 0;
  for (const AuditBatch& batch : batches) {
    text_ += batch.lines;
    count += batch.count;
  }
  // While it works, nothing to write means nothing to try.
  if (const int error_code = sink_.append(text_); error_code != 0) {
    note_failure(error_code);
    return false;
  }
  counters_.appends += count > 0 ? 1 : 0;
  counters_.lines += count;
  return true;
}

bool AuditCommitter::sync() {
  ++counters_.syncs;
  if (const int error_code = sink_.sync(); error_code != 0) {
    note_failure(error_code);
    return false;
  }
  unsynced_ = false;
  return true;
}

void AuditCommitter::note_failure(int error_code) {
  works_ = false;
  ++counters_.write_failures;
  if (said_so_) return;
  said_so_ = true;
  process_log().error("audit.unavailable", {{"errno", error_code},
                                            {"text", std::strerror(error_code)},
                                            {"effect", "requests are refused"}});
}

void AuditCommitter::note_success() {
  works_ = true;
  if (!said_so_) return;
  said_so_ = false;
  process_log().info("audit.available");
}

void DirectAuditJournal::submit(AuditBatch batch) {
  waiting_.push_back(std::move(batch));
  committer_.commit(waiting_, /*must_sync=*/false);
}

bool DirectAuditJournal::retry() {
  return committer_.commit(waiting_, /*must_sync=*/true);
}

}  // namespace countersign::provider
