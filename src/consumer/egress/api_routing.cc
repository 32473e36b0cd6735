#include "consumer/egress/api_routing.h"

#include <algorithm>

#include "consumer/egress/egress_target.h"
#include "core/ascii.h"

namespace countersign::consumer {

std::string_view host_of(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos) return authority;
  if (bracket != std::string_view::npos && colon < bracket) return authority;
  return authority.substr(0, colon);
}

const EgressApi* find_api(const std::vector<EgressApi>& apis, const http::RequestHead& request) {
  const EgressApi* unnamed = nullptr;  // the best of those that list no host
  bool host_is_listed = false;
  const std::string_view host = host_of(request.authority);
  for (const EgressApi& api : apis) {
    const bool listed = std::ranges::any_of(api.options.hosts, [host](const std::string& name) {
      return ascii::equal_ignoring_case(name, host);
    });
    host_is_listed = host_is_listed || listed;
    const bool eligible = listed || (api.options.hosts.empty() && !unnamed);
    if (!eligible || !is_below(request.path, api.options.path_prefix)) continue;
    if (listed) return &api;
    unnamed = &api;
  }
  return host_is_listed ? nullptr : unnamed;
}

}  // namespace countersign::consumer
