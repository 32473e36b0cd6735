#include "provider/gateway/pipeline.h"

#include <utility>

#include "crypto/verified_peer.h"
#include "http/target.h"
#include "provider/gateway/authorize.h"
#include "provider/gateway/bindings.h"
#include "provider/gateway/cut_offs.h"
#include "provider/gateway/presented_credential.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

Verdict<std::string_view> check_request(const http::RequestHead& head) {
  if (head.upgrade) {
    return protocol::deny(Reason::request_malformed, "asks for another protocol");
  }
  const auto path = http::parse_canonical_path(head.path);
  if (!path) return protocol::deny(Reason::path_not_canonical, path.error().code);
  return path->text();
}

Verdict<const Route*> find_route(const RouteTable& routes, const http::RequestHead& head,
                                 Findings& findings) {
  const RouteMatch match = routes.match(head.method, findings.path);
  findings.allowed_methods = match.allowed_methods;
  switch (match.kind) {
    case RouteMatch::Kind::found:
      return match.route;
    case RouteMatch::Kind::path_unknown:
      return protocol::deny(Reason::route_unknown);
    case RouteMatch::Kind::method_not_allowed:
      return protocol::deny(Reason::method_not_allowed);
  }
  return protocol::deny(Reason::internal_error, "an unknown kind of route match");
}

Verdict<> Pipeline::decide(const http::RequestHead& head, const http::PeerInfo& peer, Moment now,
                           Findings& findings) {
  registry_.sync();
  CS_TRY(findings.path, check_request(head));
  CS_TRY(findings.route, find_route(policy_.routes(), head, findings));
  CS_TRY(const PresentedCredential presented,
         read_credential(head, policy_.options().api_key_field));
  findings.authorization = presented.authorization;
  // Before the first load every client is unknown; that must not read as "your credential is not
  // valid".
  CS_CHECK(check_loaded(registry_));
  CS_TRY(findings.principal,
         authenticator_.authenticate(presented, policy_.schemes_of(findings.route), registry_,
                                     now.wall));
  CS_CHECK(check_bindings(*findings.principal, peer, now.wall));
  if (peer.certificate != nullptr) {
    CS_CHECK(check_certificate_cut_off(peer.certificate->certificate(), registry_));
  }
  if (!head.is_safe() || policy_.options().refuse_stale_reads) {
    CS_CHECK(check_staleness(registry_, now.boot));
  }
  CS_CHECK(check_scopes(*findings.principal, *findings.route));
  return check_limits(*findings.principal, policy_.options().limits, registry_, now.boot,
                      findings.limit);
}

}  // namespace countersign::provider
