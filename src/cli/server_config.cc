#include "cli/server_config.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

net::ListenOptions read_listener(const ConfigSection& section, ListenScope scope) {
  net::ListenOptions listener;
  const bool unix_allowed = scope == ListenScope::local_only;
  if (unix_allowed && section.has("unix")) {
    listener.unix_path = section.path_to("unix").string();
    if (section.has("address")) section.problem("address", "give either address or unix");
    return listener;
  }
  listener.address = section.endpoint("address");
  listener.interface = section.string("interface", "");
  if (scope == ListenScope::local_only && !section.boolean("unsafe_allow_remote_callers", false) &&
      !listener.address.address.is_loopback()) {
    section.problem("address",
                    "whoever reaches this address can use the credentials of this egress; expected "
                    "a loopback address "
                    "such as 127.0.0.1, or unsafe_allow_remote_callers = true");
  }
  return listener;
}

}  // namespace

ServerConfig read_server_config(const ConfigSection& root, ListenScope scope) {
  ServerConfig config;
  const std::vector<ConfigSection> listeners = root.tables("listener");
  if (listeners.empty()) root.problem("listener", "at least one [[listener]] is needed");
  for (const ConfigSection& listener : listeners)
    config.listeners.push_back(read_listener(listener, scope));

  const ConfigSection server = root.section("server");
  config.threads = server.integer("threads", 0, {0, 256});
  config.connections.connections_max =
      server.integer("connections_max", config.connections.connections_max, {1, 1'000'000});
  config.connections.per_address_max = server.integer(
      "connections_per_address_max", config.connections.per_address_max, {1, 1'000'000});
  config.connections.handshakes_max =
      server.integer("handshakes_max", config.connections.handshakes_max, {1, 100'000});
  const auto timeout = [&](std::string_view key, milliseconds& value) {
    value =
        duration_cast<milliseconds>(server.duration(key, value, {milliseconds(100), hours(24)}));
  };
  timeout("head_timeout", config.limits.head_timeout);
  timeout("body_timeout", config.limits.body_timeout);
  timeout("idle_timeout", config.limits.idle_timeout);
  timeout("exchange_timeout", config.limits.exchange_timeout);
  config.limits.body_bytes_max =
      server.byte_size("body_bytes_max", config.limits.body_bytes_max, {0, size_t{1} << 40});
  config.limits.head.head_bytes_max =
      server.byte_size("head_bytes_max", config.limits.head.head_bytes_max, {1024, 1 << 20});
  config.limits.requests_max =
      server.integer("requests_per_connection_max", uint64_t{0}, {0, 1'000'000'000});
  config.drain_patience =
      server.duration("drain_patience", config.drain_patience, {seconds(0), hours(1)});
  return config;
}

}  // namespace countersign::cli
