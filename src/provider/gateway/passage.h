// Passage: one request on its way through the gateway, and what the audit log says about it. Lives
// in the frame of the coroutine that serves it.

#pragma once

#include <cstdint>

#include "core/clock.h"
#include "http/service.h"
#include "protocol/decision_id.h"
#include "provider/audit/audit_log.h"
#include "provider/gateway/pipeline.h"

namespace countersign::provider {

class Passage final : public AuditLog::OpenRequest {
 public:
  // The exchange outlives it.
  Passage(http::Exchange& served, const protocol::DecisionId& decision_id, BootTime now)
      : exchange(served), id(decision_id), started(now) {}

  // One that ends without an answer (the process shuts down) is recorded as open.
  ~Passage() override;

  http::Exchange& exchange;
  const protocol::DecisionId id;
  const BootTime started;
  Findings findings;
  uint64_t request_bytes = 0;

  // The record's views live as long as the passage.
  AuditRecord record(AuditOutcome outcome, int status) const;
  // With what is known of the upstream's part.
  AuditRecord forwarded_record(int status, BootTime now) const;

 private:
  AuditRecord describe() const override;
};

}  // namespace countersign::provider
