// SocketAddress: our addresses as the kernel's, and back. For the .cc files of this layer.

#pragma once

#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/ip_address.h"
#include "core/result.h"

namespace countersign::net {

class SocketAddress final {
 public:
  // Room for any address that the kernel writes.
  SocketAddress() = default;
  static SocketAddress of(const Endpoint& endpoint);
  // `net.bad_socket_path` if it is too long for sockaddr_un, empty, or holds a NUL.
  static Result<SocketAddress> of_unix(std::string_view path);

  int family() const { return storage_.ss_family; }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* size_for_kernel() { return &size_; }
  // Default for a Unix socket. A v4-mapped address is the v4 one.
  Endpoint endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

// TCP_NODELAY: what is written leaves at once. Fails silently for Unix sockets, which have no such
// delay.
void set_no_delay(int fd);

}  // namespace countersign::net
