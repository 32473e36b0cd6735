#include "net/tls_session.h"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace countersign::net {
namespace {

TlsSession& session_of(BIO* bio) {
  return *static_cast<TlsSession*>(BIO_get_data(bio));
}

int read_socket(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  TlsSession& session = session_of(bio);
  if (size <= 0 || session.flooded()) return -1;
  const http::IoResult result = session.socket->try_read({into, static_cast<size_t>(size)});
  switch (result.status) {
    case http::IoStatus::ok:
      return static_cast<int>(result.bytes);
    case http::IoStatus::again:
      BIO_set_retry_read(bio);
      return -1;
    case http::IoStatus::end:
      session.socket_ended = true;
      return 0;
    case http::IoStatus::failed:
      return -1;
  }
  return -1;
}

int write_socket(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const http::IoResult result =
      session_of(bio).socket->try_write({from, static_cast<size_t>(size)});
  if (result.status == http::IoStatus::ok) return static_cast<int>(result.bytes);
  if (result.status == http::IoStatus::again) BIO_set_retry_write(bio);
  return -1;
}

long control_socket(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return session_of(bio).socket_ended ? 1 : 0;
    default:
      return 0;
  }
}

// Made once, kept for the process.
BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "countersign");
    if (!made) panic("OpenSSL has no memory for a BIO method");
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

std::string reason_of(unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text ? text : "unknown error " + std::to_string(error);
}

}  // namespace

BIO* make_socket_bio(TlsSession& session) {
  BIO* bio = BIO_new(socket_method());
  if (!bio) panic("OpenSSL has no memory for a BIO");
  BIO_set_data(bio, &session);
  BIO_set_init(bio, 1);
  return bio;
}

int check_peer_certificate(X509_STORE_CTX* chain, void* /*unused*/) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = ssl ? static_cast<TlsSession*>(SSL_get_app_data(ssl)) : nullptr;
  if (!session || !session->rules) return 0;
  const bool chain_holds = X509_verify_cert(chain) == 1;
  const int error = X509_STORE_CTX_get_error(chain);
  if (!chain_holds || error != X509_V_OK) {
    const X509* refused = X509_STORE_CTX_get_current_cert(chain);
    std::string which =
        "certificate " + std::to_string(X509_STORE_CTX_get_error_depth(chain)) + " of the chain";
    if (refused) {
      if (const auto certificate = crypto::read_certificate(refused)) {
        which += " (" + certificate->subject + ")";
      }
    }
    session->refusal = std::make_unique<Error>(make_error(
        ErrorKind::unauthenticated, "net.tls_peer_refused", "the peer's certificate is not trusted",
        which + ": " + X509_verify_cert_error_string(error)));
    if (error == X509_V_OK) X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
  auto peer = crypto::verify_peer(X509_STORE_CTX_get0_chain(chain), error, *session->rules,
                                  SystemClock().wall_now());
  if (!peer) {
    session->refusal = std::make_unique<Error>(
        make_error(ErrorKind::unauthenticated, "net.tls_peer_refused",
                   "the peer's certificate is not accepted", peer.error().for_log()));
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  session->verified = std::make_unique<const crypto::VerifiedPeer>(*std::move(peer));
  return 1;
}

void count_handshake_steps(const SSL* ssl, int where, int /*result*/) {
  if ((where & SSL_CB_LOOP) == 0) return;
  auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if (session && session->established) ++session->handshake_steps;
}

Error take_tls_error(const TlsSession& session, int ssl_error) {
  const unsigned long error = ERR_peek_last_error();
  const std::string reason = error != 0 ? reason_of(error) : "";
  ERR_clear_error();
  const std::string peer = session.socket->peer().address.to_string();
  if (session.refusal) return *session.refusal;
  if (session.flooded()) {
    return make_error(ErrorKind::unavailable, "net.tls_flood", "too many handshake messages", peer);
  }
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    const int number = ERR_GET_REASON(error);
    if (number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
      return make_error(ErrorKind::unauthenticated, "net.tls_peer_refused",
                        "a client certificate is required", peer + ": it showed no certificate");
    }
    if (number == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      return make_error(ErrorKind::unavailable, "net.tls_closed",
                        "the connection ended without a TLS closure", peer);
    }
    // Alerts of the peer have reasons of their own, from this number on.
    if (number >= SSL_AD_REASON_OFFSET) {
      return make_error(ErrorKind::unavailable, "net.tls_alert", "the peer refused the connection",
                        peer + ": " + reason);
    }
  }
  if (ssl_error == SSL_ERROR_SYSCALL || ssl_error == SSL_ERROR_ZERO_RETURN) {
    const Error cause = session.socket->failure();
    return make_error(ErrorKind::unavailable, "net.tls_closed",
                      "the connection ended without a TLS closure", cause.private_detail);
  }
  return make_error(ErrorKind::unavailable, "net.tls_protocol", "the peer does not speak our TLS",
                    peer + ": " + reason);
}

}  // namespace countersign::net
