// A throw-away PKI with a server and a client, and TLS contexts made of it, for tests of net/.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "crypto/certificate_authority.h"
#include "net/tls.h"
#include "support/fake_entropy.h"

namespace countersign::testing {

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  return *std::move(result);
}

class NetPki final {
 public:
  explicit NetPki(const std::string& name = "Test CA") : authority_(make_authority(name)) {}

  const std::string& anchors() const { return authority_.certificate_pem(); }

  static crypto::CertificateSpec spec(std::string common_name, crypto::CertificatePurpose purpose) {
    crypto::CertificateSpec spec;
    spec.common_name = std::move(common_name);
    spec.purposes = {purpose};
    const WallTime now = SystemClock().wall_now();
    spec.not_before = now - std::chrono::hours(1);
    spec.not_after = now + std::chrono::hours(24);
    return spec;
  }
  static crypto::CertificateSpec server_spec() {
    auto made = spec("gateway", crypto::CertificatePurpose::server_auth);
    made.dns_names = {"gateway.test"};
    made.ip_addresses = {"127.0.0.1"};
    return made;
  }
  static crypto::CertificateSpec client_spec() {
    auto made = spec("backend", crypto::CertificatePurpose::client_auth);
    made.dns_names = {"backend.test"};
    return made;
  }

  net::TlsIdentity issue(const crypto::CertificateSpec& wanted) {
    auto issued = must(authority_.issue(wanted, entropy_));
    return {issued.chain_pem, std::move(issued.private_key_pem)};
  }

  net::TlsServerContext::Options server_options() {
    return {.identity = issue(server_spec()), .client_anchors_pem = anchors()};
  }
  net::TlsClientContext::Options client_options() {
    return {.identity = issue(client_spec()),
            .server_anchors_pem = anchors(),
            .server_name = "gateway.test"};
  }
  std::shared_ptr<const net::TlsServerContext> server() {
    return must(net::TlsServerContext::create(server_options()));
  }
  std::shared_ptr<const net::TlsClientContext> client() {
    return must(net::TlsClientContext::create(client_options()));
  }

 private:
  crypto::CertificateAuthority make_authority(const std::string& name) {
    const WallTime now = SystemClock().wall_now();
    crypto::AuthorityOptions options;
    options.name = name;
    options.not_before = now - std::chrono::hours(48);
    options.not_after = now + std::chrono::hours(48);
    return must(crypto::CertificateAuthority::create(options, entropy_));
  }
  FakeEntropy entropy_;
  crypto::CertificateAuthority authority_;
};

}  // namespace countersign::testing
