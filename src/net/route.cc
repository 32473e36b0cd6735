#include "net/route.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <ifaddrs.h>
#include <sys/socket.h>

#include "net/fd.h"
#include "net/socket_address.h"

namespace countersign::net {
namespace {

IpAddress address_of(const sockaddr* address) {
  SocketAddress copy;
  const size_t size = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  std::memcpy(copy.get(), address, size);
  return copy.endpoint().address;
}

std::string interface_of(const IpAddress& address) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
  for (const ifaddrs* each = first; each; each = each->ifa_next) {
    if (!each->ifa_addr) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    if (address_of(each->ifa_addr) == address) return each->ifa_name;
  }
  return {};
}

}  // namespace

Result<Route> find_route(const IpAddress& to) {
  // A datagram socket that is "connected" has been routed; no packet leaves.
  const SocketAddress peer = SocketAddress::of({.address = to, .port = 9});
  const Fd fd(::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SocketAddress own;
  if (!fd.valid() || ::connect(fd.get(), peer.get(), peer.size()) != 0 ||
      ::getsockname(fd.get(), own.get(), own.size_for_kernel()) != 0) {
    return fail(system_error(ErrorKind::unavailable, "net.no_route", "no route to the address",
                             to.to_string(), errno));
  }
  Route route{.from = own.endpoint().address, .interface = {}};
  route.interface = interface_of(route.from);
  return route;
}

}  // namespace countersign::net
