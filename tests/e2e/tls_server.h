// A TLS server in this process that keeps what it is sent: the other end as it must not be trusted,
// or, with the right certificate, as it must. Answers each request with 200 and closes, so that the
// next one comes over a new connection.

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/ip_address.h"
#include "drill/throwaway_pki.h"
#include "net/fd.h"

struct ssl_ctx_st;

namespace countersign::e2e {

class TlsServer final {
 public:
  // Listens on a loopback port.
  explicit TlsServer(const drill::Identity& identity);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;

  const Endpoint& address() const { return address_; }
  // Connections from now on see this certificate.
  void use(const drill::Identity& identity);

  // No more connections; those under way have ended.
  void stop();

  int connections() const { return connections_; }
  int handshakes() const { return handshakes_; }  // that the client completed
  std::string received() const;                   // every byte that came inside TLS

 private:
  using Context = std::shared_ptr<ssl_ctx_st>;
  static Context make_context(const drill::Identity& identity);
  void serve();
  void serve_one(int connection);

  mutable std::mutex mutex_;
  Context context_;
  std::string received_;
  std::atomic<int> connections_ = 0;
  std::atomic<int> handshakes_ = 0;
  net::Fd listener_;
  Endpoint address_;
  std::thread thread_;
};

}  // namespace countersign::e2e
