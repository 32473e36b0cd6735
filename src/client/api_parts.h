// ApiParts: what all loops of a process share of one API: TLS contexts, the way to its issuer, its
// scheme. Made from an ApiConfig by the egress and the library alike.

#pragma once

#include <expected>
#include <memory>
#include <vector>

#include "client/api_config.h"
#include "consumer/schemes/scheme.h"
#include "core/entropy.h"
#include "core/published.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace countersign::client {

// What parts are made with; all outlives them.
struct PartsContext {
  net::Loop& home;  // renews tokens
  net::Resolver& resolver;
  const Clock& clock;
  Entropy& entropy;
  consumer::TokenSharing* sharing = nullptr;  // null: tokens are this process's own
};

class ApiParts final {
 public:
  // Connects to nothing. All that is wrong at once: `net.tls_…`, `consumer.…`, of kind
  // misconfigured. `config` has a scheme.
  static std::expected<std::unique_ptr<ApiParts>, std::vector<Error>> create(
      const ApiConfig& config, const PartsContext& context);

  // What connections to the API are made with.
  const Published<net::TlsClientContext>& tls() const { return tls_; }
  // A pool of connections to the API, for one loop. The parts outlive it.
  std::unique_ptr<net::ClientPool> make_pool(net::Loop& loop, net::Resolver& resolver) const;
  consumer::ProcessScheme& scheme() { return *scheme_; }
  const consumer::ProcessScheme& scheme() const { return *scheme_; }

 private:
  // A server of the issuer, reached from the home loop.
  struct Issuer {
    Published<net::TlsClientContext> tls;
    std::unique_ptr<net::ClientPool> pool;
  };
  ApiParts() = default;
  static Result<std::unique_ptr<Issuer>> make_issuer(const http::Url& url,
                                                     const std::optional<Endpoint>& connect_to,
                                                     const net::TlsClientContext::Options& tls,
                                                     const PartsContext& context);

  net::ClientPoolOptions pool_options_;
  Published<net::TlsClientContext> tls_;
  std::unique_ptr<Issuer> issuer_;
  std::vector<std::unique_ptr<Issuer>> issuer_origins_;  // as the configuration's
  std::unique_ptr<consumer::ProcessScheme> scheme_;
};

}  // namespace countersign::client
