// Who is at the other end of a TLS connection. A VerifiedPeer exists only if OpenSSL verified the
// chain AND the checks hold that OpenSSL 3.0 leaves out (RFC 5280, RFC 9525). Everything here fails
// closed.
//
// It does NOT check revocation lists: cut-offs of the registry do that. It does not say what the
// peer may do.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "crypto/certificate.h"
#include "crypto/trust_store.h"

struct stack_st_X509;

namespace countersign::crypto {

enum class PeerRole { client, server };

// What the other end has to be. Made by one of the two functions, so that a server without an
// expected name cannot be asked for.
class PeerRules final {
 public:
  // A client that a server of ours accepts: clientAuth, nothing about names (the registry matches
  // the certificate).
  static PeerRules client();
  // The server that we called: `host` is the DNS name or IP address that the certificate must name
  // in its SAN. With `spki_pins`, its key must be one of them, too (several, for rotation).
  // `crypto.bad_host_name` for what is neither.
  static Result<PeerRules> server(std::string_view host, std::vector<Sha256Digest> spki_pins = {});

  PeerRole role() const { return role_; }
  const std::string& host() const { return host_; }
  const std::optional<IpAddress>& address() const { return address_; }
  const std::vector<Sha256Digest>& spki_pins() const { return spki_pins_; }

 private:
  explicit PeerRules(PeerRole role) : role_(role) {}
  PeerRole role_;
  std::string host_;                  // lower case, without a trailing dot; empty for clients
  std::optional<IpAddress> address_;  // set if the host is one
  std::vector<Sha256Digest> spki_pins_;
};

class VerifiedPeer final {
 public:
  const Certificate& certificate() const { return certificate_; }
  // The role in which it was verified; a certificate accepted as a client says nothing about
  // servers.
  PeerRole role() const { return role_; }

 private:
  friend Result<VerifiedPeer> verify_peer(const stack_st_X509*, long, const PeerRules&, WallTime);
  VerifiedPeer(Certificate certificate, PeerRole role)
      : certificate_(std::move(certificate)), role_(role) {}
  Certificate certificate_;
  PeerRole role_;
};

// For net/: after the handshake, with SSL_get0_verified_chain() (leaf first, anchor last) and
// SSL_get_verify_result() of a connection whose SSL_CTX has a TrustStore and SSL_VERIFY_PEER.
// Refuses a null or empty chain and any result but X509_V_OK (`crypto.chain_not_verified`), then
// checks the leaf: version 3, not a CA, validity at `now`, serial number positive and of at most 20
// octets, a supported key, no SHA-1 or MD5, digitalSignature where keyUsage is present,
// extendedKeyUsage with the role's purpose (anyExtendedKeyUsage does not count), and for servers
// SAN, host name and pins. The chain's name constraints are applied to what a wildcard may stand
// for. Codes: `crypto.peer_…`.
Result<VerifiedPeer> verify_peer(const stack_st_X509* verified_chain, long verify_result,
                                 const PeerRules& rules, WallTime now);

// The same without a connection: builds and verifies the chain itself. `leaf` and `intermediates`
// are untrusted.
Result<VerifiedPeer> verify_chain(const Certificate& leaf,
                                  const std::vector<Certificate>& intermediates,
                                  const TrustStore& store, const PeerRules& rules, WallTime now);

// RFC 9525 §6.3: `pattern` from a SAN dNSName, `host` a valid name in lower case. ASCII case is
// ignored; a wildcard is the whole left-most label, stands for exactly one label and has at least
// two labels behind it.
bool dns_name_matches(std::string_view pattern, std::string_view host);

}  // namespace countersign::crypto
