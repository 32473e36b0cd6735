// TlsSession: what OpenSSL's callbacks need to know about their connection. For the .cc files of
// this layer.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/error.h"
#include "crypto/verified_peer.h"
#include "net/socket_stream.h"

namespace countersign::net {

struct TlsSession {
  SocketStream* socket = nullptr;
  // While the handshake lasts: what the peer's certificate has to be, and what came of it.
  const crypto::PeerRules* rules = nullptr;
  std::unique_ptr<const crypto::VerifiedPeer> verified;
  std::unique_ptr<Error> refusal;

  // After the handshake.
  bool established = false;
  bool socket_ended = false;
  uint64_t bytes_read = 0;
  uint64_t handshake_steps =
      0;  // of OpenSSL's state machine, for KeyUpdates and tickets: a few each

  // RFC 8446 §4.6.3 sets no limit to KeyUpdates, each of which makes us derive keys and answer.
  // Real peers send one in many gigabytes.
  bool flooded() const { return handshake_steps > 256 + bytes_read / 16384; }
};

// Reads and writes the session's socket; has nothing of its own to free.
BIO* make_socket_bio(TlsSession& session);

// SSL_CTX_set_cert_verify_callback: chain by OpenSSL, then crypto's own checks. Fails closed.
int check_peer_certificate(X509_STORE_CTX* chain, void* unused);

// SSL_CTX_set_info_callback: counts handshake steps after the handshake.
void count_handshake_steps(const SSL* ssl, int where, int result);

// The latest error of this thread as ours, and no error left behind. `ssl_error` as SSL_get_error
// gave it.
Error take_tls_error(const TlsSession& session, int ssl_error);

// Errors of earlier calls would be taken for those of the next one.
inline void forget_tls_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace countersign::net
