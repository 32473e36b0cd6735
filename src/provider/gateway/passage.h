// Passage: one request on its way through the gateway, and what the audit log says about it. Lives
// in the frame of the coroutine that serves it.

#pragma once

#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "http/client.h"
#include "http/service.h"
#include "protocol/decision_id.h"
#include "provider/audit/audit_log.h"
#include "provider/gateway/open_passages.h"
#include "provider/gateway/pipeline.h"

namespace countersign::provider {

class Passage final : public AuditLog::OpenRequest, public PassageLink {
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
  uint64_t registry_version = 0;             // that it was let through under
  http::ClientExchange* upstream = nullptr;  // while one is open
  bool sent = false;                         // the upstream may have seen the request
  bool unreachable = false;                  // its consumer's connection was ended
  std::optional<protocol::Denial> cut;       // since a cut-off came while it was under way

  // The record's views live as long as the passage.
  AuditRecord record(AuditOutcome outcome, int status) const;
  // With what is known of the upstream's part.
  AuditRecord forwarded_record(int status, BootTime now) const;

 private:
  AuditRecord describe() const override;
};

// The refusal's line is on disk when this returns the reason to answer with: the denial's own, or
// audit_unavailable if it is not. Both outlive the task. Fails closed.
Task<protocol::Reason> record_refusal(AuditLog& audit, Passage& passage,
                                      const protocol::Denial& denial);

}  // namespace countersign::provider
