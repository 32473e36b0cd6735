// A small PKI for this folder's tests: one root, made once per test program, and leaves as a test
// asks for them.

#pragma once

#include <gtest/gtest.h>

#include "crypto/certificate_authority.h"
#include "crypto/verified_peer.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"

namespace countersign::crypto::testing {

using namespace std::chrono_literals;

inline const WallTime now = countersign::testing::FakeClock().wall_now();

inline AuthorityOptions authority_options(std::string name) {
  AuthorityOptions options;
  options.name = std::move(name);
  options.not_before = now - 24h;
  options.not_after = now + 24h * 365;
  return options;
}

inline CertificateAuthority make_authority(const AuthorityOptions& options) {
  SystemEntropy entropy;
  auto made = CertificateAuthority::create(options, entropy);
  if (!made) panic(made.error().for_log());
  return *std::move(made);
}

inline const CertificateAuthority& root() {
  static const CertificateAuthority made = make_authority(authority_options("Test Root"));
  return made;
}

inline CertificateSpec server_spec() {
  CertificateSpec spec;
  spec.common_name = "api.bank.example";
  spec.organization = "Bank";
  spec.dns_names = {"api.bank.example"};
  spec.purposes = {CertificatePurpose::server_auth};
  spec.not_before = now - 1h;
  spec.not_after = now + 24h;
  return spec;
}

inline CertificateSpec client_spec() {
  CertificateSpec spec = server_spec();
  spec.common_name = "billing";
  spec.dns_names = {"billing.shop.example"};
  spec.purposes = {CertificatePurpose::client_auth};
  return spec;
}

inline std::string issue_pem(const CertificateSpec& spec, const CertificateAuthority& by = root()) {
  SystemEntropy entropy;
  auto issued = by.issue(spec, entropy);
  if (!issued) panic(issued.error().for_log());
  return issued->certificate_pem;
}

inline Certificate issue(const CertificateSpec& spec, const CertificateAuthority& by = root()) {
  auto parsed = parse_certificate_pem(issue_pem(spec, by));
  if (!parsed) panic(parsed.error().for_log());
  return *std::move(parsed);
}

inline TrustStore store_of(const CertificateAuthority& authority = root()) {
  auto store = TrustStore::from_pem(authority.certificate_pem());
  if (!store) panic(store.error().for_log());
  return *std::move(store);
}

inline PeerRules server_rules(std::string_view host = "api.bank.example",
                              std::vector<Sha256Digest> pins = {}) {
  auto rules = PeerRules::server(host, std::move(pins));
  if (!rules) panic(rules.error().for_log());
  return *std::move(rules);
}

// "" if the peer is verified, else the error's code.
template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

}  // namespace countersign::crypto::testing
