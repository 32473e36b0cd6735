// The life of a server program: start, say where it listens, serve until it is told to stop, drain,
// end.

#pragma once

#include <chrono>
#include <functional>

#include "core/log.h"
#include "net/server.h"

namespace countersign::net {

struct RunOptions {
  ServerOptions server;
  // Requests under way get this long after SIGTERM or SIGINT; common orchestrators kill after 30 s.
  BootClock::duration drain_patience = std::chrono::seconds(20);
  // Called on the main thread for SIGHUP; may be empty: then SIGHUP is ignored.
  std::function<void()> on_reload;
  // Called on the main thread when the drain begins; may be empty.
  std::function<void()> on_draining;
  // Called on the main thread once every loop serves, before "listening" is logged.
  std::function<Result<void>(Server&)> on_started;
};

// Blocks until SIGTERM or SIGINT and the drain that follows. Logs `NAME.listening` with each
// address (the real port), `NAME.draining`, `NAME.stopped`. Call it before any thread is started. A
// second signal stops at once.
Result<void> run_server(std::string_view name, const Log& log, RunOptions options,
                        ServiceFactory factory);

}  // namespace countersign::net
