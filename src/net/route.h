// Which way the kernel would send packets to an address. For diagnosis; nothing is sent.

#pragma once

#include <string>

#include "core/ip_address.h"
#include "core/result.h"

namespace countersign::net {

struct Route {
  IpAddress from;         // the local address that packets would carry
  std::string interface;  // that has this address: "eth0"; empty if none is found
};

// `net.no_route` (unavailable): the routing table has no way there.
Result<Route> find_route(const IpAddress& to);

}  // namespace countersign::net
