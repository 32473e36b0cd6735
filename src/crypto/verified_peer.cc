#include "crypto/verified_peer.h"

#include <algorithm>

#include "core/ascii.h"
#include "crypto/openssl.h"
#include "crypto/wildcard_constraints.h"

namespace countersign::crypto {
namespace {

using StoreContextPtr = OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;

constexpr size_t serial_octets_max = 20;  // RFC 5280 §4.1.2.2
constexpr int rsa_bits_least = 2048;
constexpr int rsa_bits_most = 8192;

bool contains(const auto& range, const auto& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

std::unexpected<Error> refuse(std::string_view code, std::string_view text,
                              std::string_view detail = {}) {
  return fail(ErrorKind::unauthenticated, code, text, detail);
}

Result<void> check_form(const Certificate& leaf) {
  if (leaf.version != 3) {
    return refuse("crypto.peer_version", "the certificate is not of version 3");
  }
  // RFC 5280 §4.2.1.9: whoever holds a CA's key could be any leaf; a CA certificate does not
  // identify a peer.
  if (leaf.is_ca || leaf.may_sign_certificates) {
    return refuse("crypto.peer_is_ca", "the certificate is a CA's");
  }
  if (!leaf.serial_positive || leaf.serial_octets > serial_octets_max) {
    return refuse("crypto.peer_serial",
                  "the certificate's serial number is not positive or too long");
  }
  return {};
}

Result<void> check_strength(const Certificate& leaf) {
  const bool strong_key = leaf.key_type == CertificateKeyType::rsa
                              ? leaf.key_bits >= rsa_bits_least && leaf.key_bits <= rsa_bits_most
                              : leaf.key_type != CertificateKeyType::other;
  if (!strong_key) {
    return refuse("crypto.peer_key",
                  "the certificate's key is not RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519");
  }
  if (leaf.signature_digest == CertificateDigest::weak) {
    return refuse("crypto.peer_weak_digest", "the certificate is signed over a weak hash");
  }
  return {};
}

Result<void> check_purpose(const Certificate& leaf, PeerRole role) {
  if (leaf.has_key_usage && !leaf.digital_signature) {
    return refuse("crypto.peer_key_usage", "the certificate's key may not make signatures");
  }
  // OpenSSL 3.0 takes an absent extension, and anyExtendedKeyUsage, for every purpose.
  const std::string_view needed = role == PeerRole::server ? server_auth_oid : client_auth_oid;
  if (!contains(leaf.extended_key_usages, needed)) {
    return refuse("crypto.peer_purpose", role == PeerRole::server
                                             ? "the certificate is not for servers (serverAuth)"
                                             : "the certificate is not for clients (clientAuth)");
  }
  return {};
}

Result<void> check_validity(const Certificate& leaf, WallTime now) {
  if (now < leaf.not_before) {
    return refuse("crypto.peer_not_yet_valid", "the certificate is not valid yet");
  }
  // RFC 5280 §4.1.2.5: notAfter's second still counts.
  if (std::chrono::floor<std::chrono::seconds>(now) > leaf.not_after) {
    return refuse("crypto.peer_expired", "the certificate has expired");
  }
  return {};
}

Result<void> check_server_name(const Certificate& leaf, const PeerRules& rules) {
  // RFC 9525 §6.3: subjectAltName alone; the common name is never consulted.
  if (!leaf.names.present) {
    return refuse("crypto.peer_no_name", "the certificate has no subjectAltName");
  }
  const bool matches = rules.address()
                           ? contains(leaf.names.ips, *rules.address())
                           : std::ranges::any_of(leaf.names.dns, [&](const std::string& pattern) {
                               return dns_name_matches(pattern, rules.host());
                             });
  if (!matches) {
    return refuse("crypto.peer_wrong_name",
                  "the certificate does not name the host that was called", rules.host());
  }
  return {};
}

Result<void> check_pins(const Certificate& leaf, const PeerRules& rules) {
  if (!rules.spki_pins().empty() && !contains(rules.spki_pins(), leaf.spki_sha256)) {
    return refuse("crypto.peer_not_pinned", "the server's key is not one of the pinned keys",
                  "sha256/" + encode_base64(leaf.spki_sha256));
  }
  return {};
}

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  bool last_label_has_letter = false;
  for (size_t start = 0; start <= name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    const std::string_view label = name.substr(start, dot - start);
    const auto belongs = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, belongs)) {
      return false;
    }
    last_label_has_letter = std::ranges::any_of(label, ascii::is_alpha);
    start = dot + 1;
  }
  // A name that ends in a number is an address that somebody mistyped (RFC 1123 §2.1).
  return last_label_has_letter;
}

}  // namespace

PeerRules PeerRules::client() {
  return PeerRules(PeerRole::client);
}

Result<PeerRules> PeerRules::server(std::string_view host, std::vector<Sha256Digest> spki_pins) {
  PeerRules rules(PeerRole::server);
  if (const auto address = IpAddress::parse(host)) {
    rules.address_ = *address;
  } else {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!is_dns_name(host)) {
      return fail(ErrorKind::misconfigured, "crypto.bad_host_name",
                  "the server's host is neither a DNS name nor an IP address", host);
    }
  }
  rules.host_ = ascii::lower(host);
  rules.spki_pins_ = std::move(spki_pins);
  return rules;
}

bool dns_name_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) {
    return is_dns_name(pattern) && ascii::equal_ignoring_case(pattern, host);
  }
  const std::string_view base = pattern.substr(2);
  const size_t dot = host.find('.');
  return is_dns_name(base) && base.contains('.') && dot != std::string_view::npos && dot > 0 &&
         ascii::equal_ignoring_case(base, host.substr(dot + 1));
}

Result<VerifiedPeer> verify_peer(const stack_st_X509* verified_chain, long verify_result,
                                 const PeerRules& rules, WallTime now) {
  const ErrorQueueCleaner cleaner;
  if (verify_result != X509_V_OK || sk_X509_num(verified_chain) < 1) {
    return refuse("crypto.chain_not_verified", "the certificate is not issued by a trusted CA",
                  verify_result == X509_V_OK ? "no certificate"
                                             : X509_verify_cert_error_string(verify_result));
  }
  CS_TRY(Certificate leaf, read_certificate(sk_X509_value(verified_chain, 0)));
  CS_CHECK(check_form(leaf));
  CS_CHECK(check_strength(leaf));
  CS_CHECK(check_purpose(leaf, rules.role()));
  CS_CHECK(check_validity(leaf, now));
  CS_CHECK(check_wildcards(leaf, verified_chain));
  if (rules.role() == PeerRole::server) {
    CS_CHECK(check_server_name(leaf, rules));
    CS_CHECK(check_pins(leaf, rules));
  }
  return VerifiedPeer(std::move(leaf), rules.role());
}

Result<VerifiedPeer> verify_chain(const Certificate& leaf,
                                  const std::vector<Certificate>& intermediates,
                                  const TrustStore& store, const PeerRules& rules, WallTime now) {
  const ErrorQueueCleaner cleaner;
  const auto decode = [](const Certificate& certificate) {
    const uint8_t* in = certificate.der.data();
    return X509Ptr(d2i_X509(nullptr, &in, static_cast<long>(certificate.der.size())));
  };
  const X509Ptr native_leaf = decode(leaf);
  const X509StackPtr untrusted(sk_X509_new_null());
  const StoreContextPtr context(X509_STORE_CTX_new());
  require(untrusted != nullptr && context != nullptr, "out of memory in OpenSSL");
  for (const Certificate& intermediate : intermediates) {
    X509Ptr native = decode(intermediate);
    if (native != nullptr && sk_X509_push(untrusted.get(), native.get()) > 0) {
      static_cast<void>(native.release());  // the stack owns it
    }
  }
  const int purpose =
      rules.role() == PeerRole::server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  if (native_leaf == nullptr ||
      X509_STORE_CTX_init(context.get(), store.native(), native_leaf.get(), untrusted.get()) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), purpose) != 1) {
    return refuse("crypto.chain_not_verified", "the certificate cannot be verified",
                  openssl_failure());
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), to_unix_seconds(now));
  const bool holds = X509_verify_cert(context.get()) == 1;
  const int result = X509_STORE_CTX_get_error(context.get());
  return verify_peer(X509_STORE_CTX_get0_chain(context.get()),
                     holds ? result : std::max(result, int{X509_V_ERR_UNSPECIFIED}), rules, now);
}

}  // namespace countersign::crypto
