#include "cli/server_config.h"

#include "cli/local_names.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What a caller's rule cannot judge must not get in: others of this machine without any rule, and
// other machines, which have no user.
void check_callers(const ConfigSection& root, const ConfigSection& section,
                   const net::ListenOptions& listener) {
  const bool has_rules = !root.tables("caller").empty();
  constexpr unsigned others = 0007;
  if (!listener.unix_path.empty() && (listener.unix_mode & others) != 0 && !has_rules) {
    section.problem("mode",
                    "every user of this machine could call; expected no access for others, or a "
                    "[[caller]] that says who may");
  }
  if (listener.unix_path.empty() && !listener.address.address.is_loopback() && has_rules) {
    section.problem("address", "no [[caller]] can match a caller of another machine");
  }
}

}  // namespace

net::ListenOptions read_listener(const ConfigSection& section, ListenScope scope) {
  net::ListenOptions listener;
  const bool unix_allowed = scope == ListenScope::local_only;
  if (unix_allowed && section.has("unix")) {
    read_unix_socket(section, listener);
    if (section.has("address")) section.problem("address", "give either address or unix");
    return listener;
  }
  listener.address = section.endpoint("address");
  listener.interface = section.string("interface", "");
  if (scope == ListenScope::any) {
    for (const std::string& text : section.strings("proxy_protocol_from", {})) {
      auto network = Network::parse(text);
      if (network) {
        listener.proxy_protocol_from.push_back(*network);
      } else {
        section.problem("proxy_protocol_from", network.error().public_text);
      }
    }
  }
  if (scope == ListenScope::local_only && !section.boolean("unsafe_allow_remote_callers", false) &&
      !listener.address.address.is_loopback()) {
    section.problem("address",
                    "whoever reaches this address can use the credentials of this egress; expected "
                    "a loopback address "
                    "such as 127.0.0.1, or unsafe_allow_remote_callers = true");
  }
  return listener;
}

ServerConfig read_server_config(const ConfigSection& root, ListenScope scope) {
  ServerConfig config;
  const std::vector<ConfigSection> listeners = root.tables("listener");
  if (listeners.empty()) root.problem("listener", "at least one [[listener]] is needed");
  for (const ConfigSection& listener : listeners) {
    config.listeners.push_back(read_listener(listener, scope));
    if (scope == ListenScope::local_only) check_callers(root, listener, config.listeners.back());
  }

  const ConfigSection server = root.section("server");
  config.threads = server.integer("threads", 0, {0, 256});
  config.connections.connections_max =
      server.integer("connections_max", config.connections.connections_max, {1, 1'000'000});
  config.connections.per_address_max = server.integer(
      "connections_per_address_max", config.connections.per_address_max, {1, 1'000'000});
  config.connections.handshakes_max =
      server.integer("handshakes_max", config.connections.handshakes_max, {1, 100'000});
  if (scope == ListenScope::any) {
    config.connections.handshakes_per_second =
        server.integer("handshakes_per_second", uint32_t{0}, {0, 1'000'000});
  }
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
  config.limits.http2 = server.boolean("http2", true);
  config.limits.http2_streams_max =
      server.integer("http2_streams_max", config.limits.http2_streams_max, {1, 1024});
  config.drain_patience =
      server.duration("drain_patience", config.drain_patience, {seconds(0), hours(1)});
  return config;
}

}  // namespace countersign::cli
