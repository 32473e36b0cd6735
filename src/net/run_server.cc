#include "net/run_server.h"

#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "net/signals.h"

namespace countersign::net {
namespace {

std::string event(std::string_view name, std::string_view what) {
  return std::string(name) + "." + std::string(what);
}

}  // namespace

Result<void> run_server(std::string_view name, const Log& log, RunOptions options,
                        ServiceFactory factory) {
  CS_TRY(const auto loop, Loop::create());
  std::unique_ptr<Server> server;
  int stops = 0;
  const auto on_signal = [&](int signal) {
    if (signal == SIGHUP) {
      if (options.on_reload) options.on_reload();
      return;
    }
    if (++stops == 1) {
      log.info(event(name, "draining"), {{"signal", strsignal(signal)}});
      if (options.on_draining) options.on_draining();
      server->drain(options.drain_patience);
    } else {
      loop->stop();
    }
  };
  // Before the server's threads, so that they inherit the mask and no signal ends the process
  // half-way.
  CS_TRY(const auto signals, Signals::create(*loop, {SIGTERM, SIGINT, SIGHUP}, on_signal));
  const std::vector<ServerEndpoint> endpoints = options.server.endpoints;
  CS_TRY(server, Server::start(std::move(options.server), std::move(factory)));
  if (options.on_started) {
    CS_CHECK(options.on_started(*server));
  }
  for (const ServerEndpoint& endpoint : endpoints) {
    log.info(event(name, "listening"), {{"address", endpoint.socket->name()},
                                        {"tls", endpoint.tls != nullptr},
                                        {"threads", static_cast<uint64_t>(server->threads())}});
  }
  std::thread joiner([&] {
    server->join();
    loop->stop();
  });
  loop->run();
  if (stops > 1) server->drain(BootClock::duration::zero());
  joiner.join();
  log.info(event(name, "stopped"));
  return {};
}

}  // namespace countersign::net
