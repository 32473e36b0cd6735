// ProviderService: what one listener of a provider serves. The issuer's own paths go to the issuer,
// a look-up of a decision to its endpoint, all else to the gateway. Health and metrics are never on
// this listener.

#pragma once

#include "http/service.h"
#include "provider/gateway/decision_endpoint.h"
#include "provider/gateway/gateway_service.h"
#include "provider/issuer/issuer.h"

namespace countersign::provider {

class ProviderService final : public http::Service {
 public:
  // All outlive it and belong to the same loop. Without `decisions` there is no such endpoint.
  ProviderService(Issuer& issuer, GatewayService& gateway, DecisionEndpoint* decisions = nullptr)
      : issuer_(issuer), gateway_(gateway), decisions_(decisions) {}

  // Compares the path as it was sent: another spelling of an issuer's path is the gateway's to
  // refuse.
  Task<void> serve(http::Exchange& exchange) override {
    if (issuer_.handles(exchange.request().path)) return issuer_.serve(exchange);
    if (decisions_ != nullptr && DecisionEndpoint::handles(exchange.request().path)) {
      return decisions_->serve(exchange);
    }
    return gateway_.serve(exchange);
  }

 private:
  Issuer& issuer_;
  GatewayService& gateway_;
  DecisionEndpoint* decisions_;
};

}  // namespace countersign::provider
