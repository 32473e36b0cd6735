// Server: a Service on as many threads as there are cores, each with its own Loop, its own instance
// of the service and its own connections. Requests never leave their thread.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "http/service.h"
#include "net/loop_server.h"

namespace countersign::net {

// Makes a loop's instance of the service, on that loop's thread. It is destroyed there too, after
// its connections.
using ServiceFactory = std::function<Result<std::unique_ptr<http::Service>>(Loop& loop)>;

struct ServerOptions {
  std::vector<ServerEndpoint> endpoints;
  int threads = 0;  // 0: one per core
  ConnectionLimitOptions connection_limits;
  ServingOptions serving;
};

class Server final {
 public:
  // Starts the threads and accepts connections as soon as every loop has its service; an error of
  // one is the error of all, and then nothing is left running.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, ServiceFactory factory);
  // Stops at once if drain() was not called; joins.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Begins to stop: no new connections, idle ones closed, requests under way finish or are cut off
  // after `patience`; then the threads end. Thread-safe, returns at once. Called again, it can only
  // shorten the patience.
  void drain(BootClock::duration patience);
  // Until all threads have ended, which takes a drain(). One caller.
  void join();

  // For what has to run on every loop: `work` is posted to each.
  void on_each_loop(std::function<void(Loop&)> work);
  // On the thread of `loop`, one of this server's: ends its connections for whose peer `which` says
  // true.
  void close_connections(const Loop& loop, const std::function<bool(const http::PeerInfo&)>& which);
  size_t threads() const;
  size_t connections() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::net
