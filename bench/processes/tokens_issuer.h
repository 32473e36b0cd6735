// An issuer and an API in one TLS server of this process, made to be watched: it counts what each
// client asks for and which calls came with a token that had ended. A token request takes a chosen
// time, as at an issuer that is far away or has work to do.
//
// Not for anything but measuring: tokens are a client's name and a number, and are not signed.
//
// RFC 6749 §4.4 (client credentials), §2.3.1 (client_secret_basic), RFC 6750 §3 (refusals).

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/processes/peers.h"
#include "core/published.h"
#include "net/server.h"

namespace countersign::bench {

inline constexpr std::string_view token_path = "/oauth2/token";

// What one client did since the last forget().
struct ClientRecord {
  uint64_t grants = 0;      // token requests
  uint64_t duplicates = 0;  // of these, begun while another one of this client was under way
  uint64_t refused = 0;     // API calls answered with 401
  // Times that the token was replaced. Each takes one request; the others were for nothing.
  uint64_t renewals() const { return grants - duplicates; }
};

class FakeIssuer final {
 public:
  // Listens on loopback with the provider's certificate; clients show none. All clients have the
  // same secret, made for this run and written to secret_file().
  static Result<std::unique_ptr<FakeIssuer>> start(const PeerFiles& files);
  ~FakeIssuer();

  const Endpoint& address() const;
  const std::filesystem::path& secret_file() const;

  // Before the client's first request. Each of its token requests takes `grant_time`, and a token's
  // life counts from the answer on.
  void add_client(const std::string& id, std::chrono::seconds token_lifetime,
                  std::chrono::milliseconds grant_time);
  // Counts for this client start at nothing again. Thread-safe, as record().
  void forget(const std::string& id);
  ClientRecord record(const std::string& id) const;

 private:
  class Books;
  class Desk;
  FakeIssuer();

  std::filesystem::path secret_file_;
  std::unique_ptr<Books> books_;
  Published<net::TlsServerContext> tls_;
  std::shared_ptr<const net::ListeningSocket> socket_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace countersign::bench
