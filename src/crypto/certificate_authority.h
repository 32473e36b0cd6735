// A throw-away PKI for the demo, the drill and tests. Not a CA product: keys live in memory,
// nothing is revoked, no serial number is recorded.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/certificate.h"
#include "crypto/key.h"

namespace countersign::crypto {

enum class CertificatePurpose { server_auth, client_auth, any };

// Deliberate faults, so that a verifier can be shown each of them. A certificate with one must
// never be trusted.
struct UnsafeCertificateFlaws {
  bool version_1 = false;             // also drops every extension, which version 1 has none of
  bool ca_true = false;               // a leaf that says it is a CA
  bool no_subject_alt_name = false;   // even if the spec has names
  bool no_digital_signature = false;  // keyUsage without it
  bool signed_with_sha1 = false;
  bool serial_zero = false;
  bool serial_negative = false;
  bool serial_too_long = false;    // 21 octets
  bool short_rsa_key = false;      // RSA of 1024 bits
  bool unsupported_curve = false;  // a P-521 key
  bool dns_name_with_nul = false;  // adds "bank.example\0.evil.example"
};

struct CertificateSpec {
  std::string common_name;
  std::string organization;  // empty: none
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  std::vector<CertificatePurpose> purposes;  // empty: no extendedKeyUsage, which verifiers refuse
  WallTime not_before{};
  WallTime not_after{};
  const SignatureAlgorithm* key_algorithm = &es256;
  UnsafeCertificateFlaws unsafe_flaws;
};

struct IssuedCertificate {
  std::string certificate_pem;
  std::string
      chain_pem;  // the leaf, then the intermediates, without the root: what a TLS server sends
  Secret private_key_pem;
};

struct AuthorityOptions {
  std::string name;
  WallTime not_before{};
  WallTime not_after{};
  const SignatureAlgorithm* key_algorithm = &es256;
  // RFC 5280 §4.2.1.10, dNSName subtrees. Empty: no constraint.
  std::vector<std::string> permitted_dns;
  std::vector<std::string> excluded_dns;
};

class CertificateAuthority final {
 public:
  // A root: self-signed. `entropy` gives serial numbers; keys come from PrivateKey::generate.
  static Result<CertificateAuthority> create(const AuthorityOptions& options, Entropy& entropy);
  // A CA below this one, which may only issue leaves.
  Result<CertificateAuthority> create_intermediate(const AuthorityOptions& options,
                                                   Entropy& entropy) const;

  Result<IssuedCertificate> issue(const CertificateSpec& spec, Entropy& entropy) const;

  const std::string& certificate_pem() const { return certificate_pem_; }
  const PrivateKey& private_key() const { return key_; }

 private:
  CertificateAuthority(PrivateKey key, std::string certificate_pem, std::string chain_pem)
      : key_(std::move(key)),
        certificate_pem_(std::move(certificate_pem)),
        chain_pem_(std::move(chain_pem)) {}
  PrivateKey key_;
  std::string certificate_pem_;
  std::string chain_pem_;  // this CA and those above, without the root
};

}  // namespace countersign::crypto
