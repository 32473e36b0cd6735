// GatewayOptions: what an operator decides about a gateway. GatewayPolicy: the same, checked and
// compiled; one for all loops, never changed.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "provider/gateway/limits.h"
#include "provider/gateway/route_table.h"

namespace countersign::provider {

struct GatewayOptions {
  std::vector<RouteOptions> routes;
  // Accepted where a route names none of its own.
  std::vector<std::string> schemes{"api_key", "oauth2_bearer", "oauth2_certificate"};
  // A field that carries an API key alone, "X-Api-Key", for clients that cannot write
  // Authorization. Empty: none; the Authorization field is always read.
  std::string api_key_field;
  std::string realm = "countersign";  // RFC 9110 §11.5, in challenges
  LimitOptions limits;
  // Whether GET, HEAD and OPTIONS too are refused while the registry has not been heard from for
  // its max_staleness. By default they go on: what they could show a client that was just revoked,
  // it could read a moment before.
  bool refuse_stale_reads = false;
  // Verified credentials remembered by each loop. An entry takes about 1 KiB, so 20 MiB a loop when
  // full.
  size_t verification_cache_entries = 20'000;
  std::chrono::milliseconds upstream_head_timeout{30'000};   // to the head of the upstream's answer
  std::chrono::milliseconds upstream_body_timeout{300'000};  // from there to its end
  // A request whose body fits is sent once more if the pooled connection turns out to be closed
  // before anything was sent.
  size_t resend_bytes_max = 16 * 1024;
};

class GatewayPolicy final {
 public:
  // The codes of RouteTable::create(), and `gateway.no_routes`, `gateway.unknown_scheme`,
  // `gateway.no_schemes`, `gateway.bad_field`, `gateway.bad_limit`.
  static Result<GatewayPolicy> create(GatewayOptions options);

  const GatewayOptions& options() const { return options_; }
  const RouteTable& routes() const { return routes_; }
  // The scheme rows that this route accepts, as a mask; without a route those of the gateway.
  uint32_t schemes_of(const Route* route) const {
    return route != nullptr && route->schemes != 0 ? route->schemes : schemes_;
  }

 private:
  GatewayPolicy(GatewayOptions options, RouteTable routes, uint32_t schemes)
      : options_(std::move(options)), routes_(std::move(routes)), schemes_(schemes) {}
  GatewayOptions options_;
  RouteTable routes_;
  uint32_t schemes_;
};

}  // namespace countersign::provider
