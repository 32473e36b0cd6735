// DecisionEndpoint: where a consumer gets its own side of a decision that was made about it:
//
//   GET /.well-known/countersign/decisions/{decision id}
//
// It proves who it is with any credential that the gateway accepts, and passes every check but that
// for a scope. It is shown decisions about itself alone (audit_explain.h: belongs_to()); whether
// another one exists cannot be told from the answer. What is read of the audit log is bounded, and
// so is how many look-ups wait. One object per loop; the look-up itself is on a worker's thread.

#pragma once

#include <memory>
#include <string>

#include "core/worker.h"
#include "http/service.h"
#include "provider/gateway/gateway_policy.h"
#include "provider/gateway/passage.h"
#include "provider/gateway/pipeline.h"

namespace countersign::provider {

inline constexpr std::string_view decisions_path = "/.well-known/countersign/decisions/";

// All references outlive the endpoint; registry, audit and executor belong to its loop.
struct DecisionEndpointParts {
  RegistryView& registry;
  const Published<TokenTrust>& trust;
  const protocol::Peppers& peppers;
  AuditLog& audit;
  Worker& lookups;
  const Clock& clock;
  Executor& executor;
  Entropy& entropy;
};

class DecisionEndpoint final : public http::Service {
 public:
  // `audit_path`: the log that the decisions are in. `gateway`: whose schemes it accepts. The codes
  // of GatewayPolicy::create().
  static Result<std::unique_ptr<DecisionEndpoint>> create(std::string audit_path,
                                                          const GatewayOptions& gateway,
                                                          DecisionEndpointParts parts);

  // Compares the path as it was sent.
  static bool handles(std::string_view path) { return path.starts_with(decisions_path); }
  Task<void> serve(http::Exchange& exchange) override;

 private:
  DecisionEndpoint(std::string audit_path, GatewayPolicy policy, DecisionEndpointParts parts);
  Task<void> refuse(Passage& passage, protocol::Denial denial);
  Task<void> show(Passage& passage);
  Task<void> answer(Passage& passage, protocol::Reason reason);

  std::string audit_path_;
  GatewayPolicy policy_;
  DecisionEndpointParts parts_;
  Pipeline pipeline_;
  protocol::DecisionIds ids_;
};

}  // namespace countersign::provider
