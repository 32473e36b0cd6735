#include "provider/gateway/gateway_policy.h"

#include <utility>

#include "core/ascii.h"
#include "http/message.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

namespace {

std::unexpected<Error> refuse(std::string_view code, std::string_view what,
                              std::string_view detail = {}) {
  return fail(ErrorKind::misconfigured, code, what, detail);
}

}  // namespace

Result<GatewayPolicy> GatewayPolicy::create(GatewayOptions options) {
  if (options.routes.empty()) {
    return refuse("gateway.no_routes", "A gateway without routes lets nothing through.");
  }
  uint32_t schemes = 0;
  for (const std::string& name : options.schemes) {
    const SchemeRow* row = find_scheme(name);
    if (row == nullptr) {
      return refuse("gateway.unknown_scheme", "There is no scheme of this name.", name);
    }
    schemes |= scheme_bit(*row);
  }
  if (schemes == 0) return refuse("gateway.no_schemes", "A gateway accepts at least one scheme.");
  const std::string& field = options.api_key_field;
  if (!field.empty() &&
      (!http::is_token(field) || ascii::equal_ignoring_case(field, "authorization"))) {
    return refuse("gateway.bad_field", "This field cannot carry an API key.", field);
  }
  if (!http::is_field_value(options.realm) ||
      options.realm.find_first_of("\"\\") != std::string::npos) {
    return refuse("gateway.bad_field", "The realm cannot be written into a challenge.");
  }
  if (options.verification_cache_entries == 0 || options.upstream_head_timeout.count() <= 0 ||
      options.upstream_body_timeout.count() <= 0) {
    return refuse("gateway.bad_limit", "Cache size and time-outs are greater than zero.");
  }
  CS_TRY(RouteTable routes, RouteTable::create(options.routes));
  return GatewayPolicy(std::move(options), std::move(routes), schemes);
}

}  // namespace countersign::provider
