// ProviderService: what one listener of a provider serves. The issuer's own paths go to the issuer,
// all else to the gateway. Health and metrics are never on this listener.

#pragma once

#include "http/service.h"
#include "provider/gateway/gateway_service.h"
#include "provider/issuer/issuer.h"

namespace countersign::provider {

class ProviderService final : public http::Service {
 public:
  // Both outlive it and belong to the same loop.
  ProviderService(Issuer& issuer, GatewayService& gateway) : issuer_(issuer), gateway_(gateway) {}

  // Compares the path as it was sent: another spelling of an issuer's path is the gateway's to
  // refuse.
  Task<void> serve(http::Exchange& exchange) override {
    if (issuer_.handles(exchange.request().path)) return issuer_.serve(exchange);
    return gateway_.serve(exchange);
  }

 private:
  Issuer& issuer_;
  GatewayService& gateway_;
};

}  // namespace countersign::provider
