// What the benchmarks of processes have in common: a PKI, peers' files, and our own gateway and
// egress.

#pragma once

#include "bench/processes/benchmarks.h"
#include "bench/processes/load.h"
#include "bench/processes/peers.h"
#include "drill/installation.h"

namespace countersign::bench {

class Setup final {
 public:
  static Result<std::unique_ptr<Setup>> create(const BenchOptions& options);

  const PeerFiles& files() const { return files_; }
  const drill::ThrowawayPki& pki() const { return *pki_; }

  // Our gateway and issuer before `upstream`, with client "shop" whose tokens are bound to the
  // client certificate and which has an API key.
  Result<void> start_gateway(const Endpoint& upstream);
  drill::Provider& provider() { return *provider_; }
  const std::string& api_key() const { return api_key_; }
  // One token of client "shop" for each call.
  Result<std::vector<std::string>> fetch_tokens(size_t count);
  // The public half of the issuer's signing key, as a PEM file.
  Result<std::filesystem::path> issuer_public_key();

  // Our egress: API at / with `scheme`, connected to `upstream`; the issuer is our gateway.
  Result<std::unique_ptr<drill::Consumer>> start_egress(std::string_view scheme,
                                                        const Endpoint& upstream);

  TlsLoad tls_load(const Endpoint& server, int connections, std::chrono::seconds duration) const;

 private:
  Setup() = default;
  BenchOptions options_;
  TemporaryFolder folder_;
  SystemClock clock_;
  SystemEntropy entropy_;
  std::optional<drill::ThrowawayPki> pki_;
  PeerFiles files_;
  std::unique_ptr<drill::Provider> provider_;
  std::string api_key_;
};

}  // namespace countersign::bench
