// GatewayService: the enforcing reverse proxy in front of the payment API, for one loop. Decides
// (pipeline.h), forwards what is allowed, answers what is not, and records both.
//
// No lock and no other thread's help on a request's way: registry, token trust and policy are read
// by this loop's own readers; cache, audit buffer and upstream pool are its own.

#pragma once

#include <expected>
#include <memory>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/executor.h"
#include "core/published.h"
#include "http/client.h"
#include "http/relay.h"
#include "http/service.h"
#include "protocol/decision_id.h"
#include "protocol/pepper.h"
#include "provider/audit/audit_log.h"
#include "provider/gateway/gateway_policy.h"
#include "provider/gateway/passage.h"
#include "provider/gateway/pipeline.h"
#include "provider/registry/registry_view.h"
#include "provider/schemes/access_token.h"

namespace countersign::provider {

// What a gateway works with. All references outlive it; registry, upstream, audit and executor
// belong to its loop.
struct GatewayParts {
  RegistryView& registry;
  const Published<TokenTrust>&
      trust;  // null until the issuer's keys are known: then no token is accepted
  const protocol::Peppers& peppers;
  http::Client& upstream;
  AuditLog& audit;
  const Clock& clock;
  Executor& executor;
  Entropy& entropy;
};

class GatewayService final : public http::Service {
 public:
  // `policy` outlives it.
  GatewayService(const GatewayPolicy& policy, GatewayParts parts);

  Task<void> serve(http::Exchange& exchange) override;

  // After a change of the registry: stops what is under way for a client, credential, token or
  // certificate that was revoked. What has not been forwarded is not forwarded any more; what has
  // been gets no answer, and its connection ends.
  void enforce_cut_offs();
  // False for a connection that no request can come from any more.
  bool may_stay_connected(const http::PeerInfo& peer);

 private:
  // An exchange whose answer's head has arrived.
  struct Answer {
    std::unique_ptr<http::ClientExchange> upstream;
    const http::ResponseHead* head = nullptr;
  };

  Task<void> forward(Passage& passage);
  bool stands(Passage& passage);
  Task<void> end_cut_off(Passage& passage);
  Task<std::expected<Answer, protocol::Denial>> ask_upstream(Passage& passage);
  Task<void> relay_answer(Passage& passage, Answer answer);

  Task<void> refuse(Passage& passage, protocol::Denial denial);
  Task<void> answer_failure(Passage& passage, protocol::Denial failure);
  Task<void> answer(Passage& passage, protocol::Reason reason);

  const GatewayPolicy& policy_;
  GatewayParts parts_;
  Pipeline pipeline_;
  protocol::DecisionIds ids_;
  OpenPassages open_;
};

}  // namespace countersign::provider
