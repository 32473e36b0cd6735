#include "provider/gateway/authorize.h"

namespace countersign::provider {

protocol::Verdict<> check_scopes(const Principal& principal, const Route& route) {
  if (principal.scopes().contains_all(route.scopes)) return {};
  return protocol::deny(protocol::Reason::scope_insufficient,
                        "lacks " + route.scopes.without(principal.scopes()).to_string());
}

}  // namespace countersign::provider
