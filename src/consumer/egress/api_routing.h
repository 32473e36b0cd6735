// Which API a request is for: by Host, then by path prefix.

#pragma once

#include <string_view>
#include <vector>

#include "consumer/egress/egress_service.h"

namespace countersign::consumer {

// The host of an authority, without its port; brackets stay.
std::string_view host_of(std::string_view authority);

// A host that some API lists is for the APIs that list it and for no other; every other host
// (an address, a name that nobody lists) is for the APIs that list none. Of those the one with the
// longest prefix. Hosts are compared without case, the port is not looked at: whatever it says, the
// request has arrived here. Null: none. `apis` are sorted, longest prefix first.
const EgressApi* find_api(const std::vector<EgressApi>& apis, const http::RequestHead& request);

}  // namespace countersign::consumer
