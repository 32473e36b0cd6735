#include "net/socket_address.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/tcp.h>

namespace countersign::net {

SocketAddress SocketAddress::of(const Endpoint& endpoint) {
  SocketAddress address;
  const auto& octets = endpoint.address.octets();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), sizeof v4.sin_addr);
    std::memcpy(&address.storage_, &v4, sizeof v4);
    address.size_ = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), sizeof v6.sin6_addr);
    std::memcpy(&address.storage_, &v6, sizeof v6);
    address.size_ = sizeof v6;
  }
  return address;
}

Result<SocketAddress> SocketAddress::of_unix(std::string_view path) {
  sockaddr_un name{};
  if (path.empty() || path.size() >= sizeof name.sun_path || path.find('\0') != path.npos) {
    return fail(ErrorKind::misconfigured, "net.bad_socket_path",
                "not a usable path for a Unix socket", path);
  }
  name.sun_family = AF_UNIX;
  std::ranges::copy(path, name.sun_path);
  SocketAddress address;
  std::memcpy(&address.storage_, &name, sizeof name);
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Endpoint SocketAddress::endpoint() const {
  if (family() == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage_, sizeof v4);
    std::array<uint8_t, 4> octets;
    std::memcpy(octets.data(), &v4.sin_addr, octets.size());
    return {IpAddress::v4(octets), ntohs(v4.sin_port)};
  }
  if (family() == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage_, sizeof v6);
    std::array<uint8_t, 16> octets;
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return {IpAddress::v6(octets), ntohs(v6.sin6_port)};
  }
  return {};
}

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace countersign::net
