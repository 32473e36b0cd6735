// What gateway and egress configure alike: listeners, limits, threads.

#pragma once

#include <vector>

#include "core/config.h"
#include "http/server_connection.h"
#include "net/connection_limits.h"
#include "net/listener.h"

namespace countersign::cli {

struct ServerConfig {
  std::vector<net::ListenOptions> listeners;
  int threads = 0;  // 0: one per core
  http::ServerLimits limits;
  net::ConnectionLimitOptions connections;
  BootClock::duration drain_patience = std::chrono::seconds(20);

  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

// What an address of a listener may be.
enum class ListenScope {
  any,         // a gateway faces a network
  local_only,  // an egress serves its own machine: loopback or a Unix socket, unless told otherwise
};

// One [[listener]], or another table of the same keys.
net::ListenOptions read_listener(const ConfigSection& section, ListenScope scope);

// Reads [[listener]] and [server]. Problems are noted in the sections.
ServerConfig read_server_config(const ConfigSection& root, ListenScope scope);

}  // namespace countersign::cli
