// LoopServer: accepts and serves connections on one loop. Server (server.h) runs one on each of its
// threads; tests run one on a loop of their own.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/published.h"
#include "http/server_connection.h"
#include "net/connection_limits.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"

namespace countersign::net {

// Where connections come from and how they are secured.
struct ServerEndpoint {
  std::shared_ptr<const ListeningSocket> socket;
  // Null: plain HTTP. Otherwise outlives the server; the context published at the time of accepting
  // is used. Without one, connections are closed.
  const Published<TlsServerContext>* tls = nullptr;
};

struct ServingOptions {
  http::ServerLimits limits;
  BootClock::duration handshake_timeout = std::chrono::seconds(10);
  // Told about handshakes that failed, on the loop's thread; may be empty.
  std::function<void(const Endpoint& peer, const Error& error)> on_handshake_failed;
};

class LoopServer final {
 public:
  // References outlive it. `options` too.
  LoopServer(Loop& loop, http::Service& service, ConnectionLimits& limits,
             const ServingOptions& options);
  // Closes what is still open. The connections' tasks belong to this object and end with it.
  ~LoopServer();
  LoopServer(const LoopServer&) = delete;
  LoopServer& operator=(const LoopServer&) = delete;

  // May be called for several endpoints, before drain().
  Result<void> listen(const ServerEndpoint& endpoint);
  // Which loop serves an accepted connection; without it, this one does. Called on this loop's
  // thread. Before listen().
  using Route = std::function<void(AcceptedConnection, const Published<TlsServerContext>* tls)>;
  void set_route(Route route);
  // The number of this loop's connections, handshakes included. Outlives the server; a router may
  // count a connection ahead of its serve().
  const Counted::Count& load() const;
  // Serves a connection, wherever it was accepted. While draining it is closed.
  void serve(AcceptedConnection connection, const Published<TlsServerContext>* tls);

  // Ends the connections, idle or not, for whose peer `which` says true. Handshakes go on.
  void close_connections(const std::function<bool(const http::PeerInfo&)>& which);

  // Stops accepting, closes idle connections and those in their handshake, lets requests under way
  // finish, closes what is left at `deadline`, then calls `done` (once, not from inside drain()).
  // Called again, it can only bring the deadline nearer.
  void drain(BootTime deadline, std::move_only_function<void()> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::net
