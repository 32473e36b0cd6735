// ClientPool: connections to one upstream, kept alive and used again; one pool per loop. It is the
// http::Client that consumer and provider are given.
//
// The connection used last is used next, so that few stay warm and the others go. What may be
// closed at the other end is seen without a system call and never used again. A new TLS context
// (another certificate) drains: idle connections of the old one are closed, busy ones when their
// exchange ends.

#pragma once

#include <memory>
#include <string>

#include "core/published.h"
#include "http/client.h"
#include "http/client_connection.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace countersign::net {

struct ClientPoolOptions {
  std::string host;  // name or address
  uint16_t port = 0;
  std::string unix_path;  // if not empty: connect there instead
  std::string authority;  // the Host field; empty: host and port
  BootClock::duration connect_timeout =
      std::chrono::seconds(5);    // look-up, connect and handshake together
  size_t connections_max = 1024;  // of this pool, busy and idle
  size_t idle_max = 64;
  BootClock::duration idle_timeout =
      std::chrono::seconds(60);  // shorter than common servers': 75 s
  http::ClientLimits limits;
};

class ClientPool final : public http::Client {
 public:
  // All references outlive the pool. `tls` null: plain HTTP. If it is not null, a context must have
  // been published before the first open() (`net.tls_failed` otherwise: never plain).
  ClientPool(Loop& loop, Resolver& resolver, ClientPoolOptions options,
             const Published<TlsClientContext>* tls = nullptr);
  // No exchange is under way any more.
  ~ClientPool() override;

  Task<Result<std::unique_ptr<http::ClientExchange>>> open(http::OpenOptions options) override;

  // Something else takes this pool's place: its idle connections are closed, and each busy one when
  // its exchange ends.
  void retire();

  size_t connections() const;
  size_t idle_connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::net
