// X.509 certificates as values (RFC 5280): what one says, not whether it may be believed.
// verified_peer.h decides that.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/ip_address.h"
#include "core/result.h"
#include "crypto/digest.h"

struct x509_st;

namespace countersign::crypto {

enum class CertificateKeyType { ec_p256, ec_p384, ed25519, rsa, other };
enum class CertificateDigest {
  sha256,
  sha384,
  sha512,
  none,
  weak
};  // none: Ed25519 has no separate digest

struct SubjectAltNames {
  bool present = false;          // the extension is there, even if it holds other kinds only
  std::vector<std::string> dns;  // as written; may start with "*."
  std::vector<std::string> uris;
  std::vector<std::string> emails;
  std::vector<IpAddress> ips;
};

struct Certificate {
  Bytes der;
  Sha256Digest thumbprint{};   // RFC 8705 §3.1: SHA-256 over the DER certificate
  Sha256Digest spki_sha256{};  // over the DER SubjectPublicKeyInfo (RFC 7469 §2.4)
  std::string subject;         // RFC 4514, most specific first: "CN=billing,O=Acme"
  std::string issuer;
  std::string serial_hex;        // lower case, at least two digits; a leading '-' if negative
  size_t serial_octets = 0;      // length of the DER INTEGER's magnitude with its sign octet
  bool serial_positive = false;  // greater than zero
  WallTime not_before{};
  WallTime not_after{};  // the last moment at which it is valid
  int version = 0;       // 1, 2 or 3
  bool has_basic_constraints = false;
  bool is_ca = false;  // basicConstraints says cA
  SubjectAltNames names;
  bool has_extended_key_usage = false;
  std::vector<std::string> extended_key_usages;  // dotted OIDs: "1.3.6.1.5.5.7.3.2" is clientAuth
  bool has_key_usage = false;
  bool digital_signature = false;  // keyUsage has it; false too where the extension is absent
  bool may_sign_certificates = false;
  CertificateKeyType key_type = CertificateKeyType::other;
  int key_bits = 0;
  CertificateDigest signature_digest = CertificateDigest::weak;
  bool self_issued = false;  // subject and issuer are the same name
};

inline constexpr std::string_view server_auth_oid = "1.3.6.1.5.5.7.3.1";
inline constexpr std::string_view client_auth_oid = "1.3.6.1.5.5.7.3.2";

inline constexpr size_t certificate_bytes_max = 64 * 1024;  // one DER certificate
inline constexpr size_t certificate_bundle_bytes_max = 1024 * 1024;
inline constexpr size_t certificate_bundle_count_max = 512;

// Exactly one DER certificate and nothing behind it. `crypto.bad_certificate`: malformed, a name
// with an embedded NUL or another control character in a SAN, an extension twice;
// `crypto.too_large`.
Result<Certificate> parse_certificate(ByteView der);
// The first certificate in the text; there must be one.
Result<Certificate> parse_certificate_pem(std::string_view pem);
// Every certificate in the text, in order. None is `crypto.bad_certificate`, as is one that cannot
// be read: a bundle is never used in part.
Result<std::vector<Certificate>> parse_certificates_pem(std::string_view pem);

// The value of OpenSSL's object, which stays the caller's.
Result<Certificate> read_certificate(const x509_st* native);

std::string to_pem(const Certificate& certificate);

}  // namespace countersign::crypto
