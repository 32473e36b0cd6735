// Pipeline: a request's way through the gateway up to the decision (design §5.1), stage by stage:
//
//   parse → route → credential → authenticate (scheme, cut-offs) → bindings → certificate cut-off →
//   staleness → scopes → limits
//
// Plain functions without I/O: what they know is in memory. Each stage gives what the next one
// needs or a Denial. Fails closed: whoever gets to the end was let through by every stage.

#pragma once

#include <optional>
#include <string_view>

#include "core/clock.h"
#include "http/byte_stream.h"
#include "http/message.h"
#include "protocol/reason.h"
#include "provider/gateway/authenticator.h"
#include "provider/gateway/gateway_policy.h"
#include "provider/gateway/limits.h"
#include "provider/registry/registry_view.h"

namespace countersign::provider {

// What is known about a request, as far as its decision got: for the answer and the audit line,
// also of a denial. The views live as long as the request's head.
struct Findings {
  std::string_view path;  // canonical; empty if it was not
  const Route* route = nullptr;
  std::string_view allowed_methods;  // of the path, if there is one
  std::string_view authorization;    // of the credential that was presented: "Bearer"
  PrincipalPtr principal;            // proven, even if a later stage refused
  std::optional<LimitState> limit;   // nothing: no limit holds
};

struct Moment {
  WallTime wall;
  BootTime boot;
};

// The path of a request that is understood in full: canonical, no fragment of another protocol.
// Denied with path_not_canonical or request_malformed. Fails closed.
protocol::Verdict<std::string_view> check_request(const http::RequestHead& head);

// Denied with route_unknown or method_not_allowed; then `findings` has the methods.
protocol::Verdict<const Route*> find_route(const RouteTable& routes, const http::RequestHead& head,
                                           Findings& findings);

class Pipeline final {
 public:
  // The references outlive it. Belongs to the view's thread.
  Pipeline(const GatewayPolicy& policy, RegistryView& registry, const Published<TokenTrust>& trust,
           const protocol::Peppers& peppers)
      : policy_(policy),
        registry_(registry),
        authenticator_(trust, peppers, policy.options().verification_cache_entries) {}

  // Allowed if it returns a value: then `findings` has path, route and principal. Sees every change
  // of the registry that was applied before the call.
  protocol::Verdict<> decide(const http::RequestHead& head, const http::PeerInfo& peer, Moment now,
                             Findings& findings);

 private:
  const GatewayPolicy& policy_;
  RegistryView& registry_;
  Authenticator authenticator_;
};

}  // namespace countersign::provider
