// What TLS connections of one kind share: key and trust anchors, parsed once. Immutable; a reload
// makes a new context and keeps the old one if that fails. Connections keep the context they were
// made with.
//
// TLS 1.3 unless told otherwise. Trust anchors are private ones only: the system's store is never
// consulted. No resumption, no early data, no renegotiation, no compression: each connection proves
// its certificate anew. Beyond OpenSSL's chain verification, crypto's own checks decide
// (crypto/verified_peer.h). Fails closed.
//
// Does NOT check revocation lists or OCSP: revocation is by cut-off (design §5.2).

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "crypto/tls_identity.h"
#include "crypto/verified_peer.h"

struct ssl_ctx_st;

namespace countersign::net {

// Who this side is.
using crypto::TlsIdentity;

// Frees an SSL_CTX.
struct FreeTlsContext {
  void operator()(ssl_ctx_st* context) const;
};

enum class ClientCertificates {
  required,  // no handshake without one that verifies
  none,      // not asked for: for listeners whose clients authenticate otherwise
};

class TlsServerContext final {
 public:
  struct Options {
    TlsIdentity identity{};
    ClientCertificates client_certificates = ClientCertificates::required;
    std::string
        client_anchors_pem{};  // who may have issued client certificates, if they are required
    // Agree on HTTP/2 with clients that offer it (RFC 7301 "h2"); HTTP/1.1 with all others.
    bool http2 = false;
    // Also accept TLS 1.2 (ECDHE with AEAD only), for peers that cannot do better. 1.2 shows the
    // client's certificate to whoever listens on the network.
    bool unsafe_allow_tls_1_2 = false;
  };
  // `net.tls_bad_certificate`, `net.tls_bad_key`, `net.tls_key_mismatch`, `net.tls_bad_anchors`.
  static Result<std::shared_ptr<const TlsServerContext>> create(const Options& options);

  // For TlsStream.
  ssl_ctx_st* native() const { return context_.get(); }
  // What a client certificate has to be; empty if none is asked for.
  const std::optional<crypto::PeerRules>& peer_rules() const { return peer_rules_; }

 private:
  TlsServerContext() = default;
  std::unique_ptr<ssl_ctx_st, FreeTlsContext> context_;
  std::optional<crypto::PeerRules> peer_rules_;
};

class TlsClientContext final {
 public:
  struct Options {
    std::optional<TlsIdentity> identity{};  // shown if the server asks
    std::string server_anchors_pem{};       // who may have issued the server's certificate
    // The DNS name (sent as SNI) or IP address that the server's certificate must hold as
    // subjectAltName.
    std::string server_name{};
    // SHA-256 over SubjectPublicKeyInfo. If any are given, the server's own key must be one of
    // them.
    std::vector<crypto::Sha256Digest> spki_pins{};
    bool unsafe_allow_tls_1_2 = false;

    friend bool operator==(const Options&, const Options&) = default;
  };
  // As for the server; `net.tls_bad_server_name`.
  static Result<std::shared_ptr<const TlsClientContext>> create(const Options& options);

  // For TlsStream.
  ssl_ctx_st* native() const { return context_.get(); }
  const std::optional<crypto::PeerRules>& peer_rules() const { return peer_rules_; }

 private:
  TlsClientContext() = default;
  std::unique_ptr<ssl_ctx_st, FreeTlsContext> context_;
  std::optional<crypto::PeerRules> peer_rules_;
};

}  // namespace countersign::net
