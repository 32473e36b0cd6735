// AdminService: what people and machines that run an egress look at: /livez, /readyz, /metrics and
// /status. Reads only; nothing can be changed through it, and no secret is in any answer. Not for
// the callers' listeners: it has one of its own.

#pragma once

#include "consumer/egress/egress_report.h"
#include "core/executor.h"
#include "http/service.h"

namespace countersign::consumer {

class ReportSource {
 public:
  virtual ~ReportSource() = default;
  // `egress.report_timeout` if a loop does not answer in time: it is stuck.
  virtual Task<Result<EgressReport>> collect(BootTime deadline) = 0;
};

class AdminService final : public http::Service {
 public:
  // Both outlive it. Belongs to `executor`.
  AdminService(ReportSource& source, Executor& executor) : source_(source), executor_(executor) {}

  Task<void> serve(http::Exchange& exchange) override;

 private:
  ReportSource& source_;
  Executor& executor_;
};

}  // namespace countersign::consumer
