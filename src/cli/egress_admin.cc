#include "cli/egress_admin.h"

namespace countersign::cli {
namespace {

// A monitoring system keeps one or two connections, a person opens one.
constexpr size_t connections_max = 64;

net::ServingOptions serving_options() {
  net::ServingOptions options;
  options.limits.body_bytes_max = 0;
  options.limits.exchange_timeout = std::chrono::seconds(10);
  return options;
}

}  // namespace

EgressAdmin::EgressAdmin(EgressLoops& loops, net::Loop& home)
    : serving_(serving_options()),
      limits_({.connections_max = connections_max, .per_address_max = connections_max}),
      service_(loops, home),
      server_(home, service_, limits_, serving_) {}

Result<std::string> EgressAdmin::listen(const net::ListenOptions& options) {
  CS_TRY(auto socket, net::ListeningSocket::create(options));
  std::string name = socket->name();
  CS_CHECK(server_.listen({.socket = std::move(socket)}));
  return name;
}

}  // namespace countersign::cli
