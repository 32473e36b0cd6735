// A TCP server that accepts into its backlog and never says a word: for deadlines and
// cancellation.

#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::testing {

class SilentServer final {
 public:
  SilentServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, generic, length) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, generic, &length) != 0) {
      throw std::runtime_error("no listening socket");
    }
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() {
    for (const int connection : connections_) close(connection);
    close(listener_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Blocks until so many have connected in all.
  void wait_for_connections(size_t count) {
    while (connections_.size() < count)
      connections_.push_back(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  int listener_;
  int port_ = 0;
  std::vector<int> connections_;
};

}  // namespace countersign::testing
