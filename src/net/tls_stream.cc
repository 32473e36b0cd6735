#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tls_session.h"

namespace countersign::net {

using http::Direction;
using http::IoResult;
using http::IoStatus;

TlsStream::TlsStream(std::unique_ptr<SocketStream> socket, std::shared_ptr<const void> context,
                     ssl_st* ssl)
    : socket_(std::move(socket)),
      session_(std::make_unique<TlsSession>()),
      context_(std::move(context)),
      ssl_(ssl),
      peer_(socket_->peer()) {
  session_->socket = socket_.get();
  BIO* bio = make_socket_bio(*session_);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, session_.get());
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

Task<Result<std::unique_ptr<TlsStream>>> TlsStream::accept(
    std::unique_ptr<SocketStream> socket, std::shared_ptr<const TlsServerContext> context,
    BootTime deadline) {
  SSL* ssl = SSL_new(context->native());
  if (!ssl) panic("OpenSSL has no memory for a connection");
  SSL_set_accept_state(ssl);
  const crypto::PeerRules* rules = context->peer_rules() ? &*context->peer_rules() : nullptr;
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(socket), std::move(context), ssl));
  return shake_hands(std::move(stream), rules, deadline);
}

Task<Result<std::unique_ptr<TlsStream>>> TlsStream::connect(
    std::unique_ptr<SocketStream> socket, std::shared_ptr<const TlsClientContext> context,
    BootTime deadline) {
  SSL* ssl = SSL_new(context->native());
  if (!ssl) panic("OpenSSL has no memory for a connection");
  SSL_set_connect_state(ssl);
  const crypto::PeerRules* rules = &*context->peer_rules();
  // RFC 6066 §3: literal addresses are not permitted in SNI.
  if (!rules->address()) SSL_set_tlsext_host_name(ssl, rules->host().c_str());
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(socket), std::move(context), ssl));
  return shake_hands(std::move(stream), rules, deadline);
}

Task<Result<std::unique_ptr<TlsStream>>> TlsStream::shake_hands(std::unique_ptr<TlsStream> stream,
                                                                const crypto::PeerRules* rules,
                                                                BootTime deadline) {
  stream->session_->rules = rules;
  CS_CO_CHECK(co_await stream->negotiate(deadline));
  CS_CO_CHECK(stream->check_outcome(rules != nullptr));
  stream->session_->rules = nullptr;
  stream->session_->established = true;
  stream->verified_ = std::move(stream->session_->verified);
  stream->peer_.certificate = stream->verified_.get();
  stream->holds_more_ = SSL_has_pending(stream->ssl_) == 1;
  stream->set_deadline(BootTime::max());
  co_return stream;
}

Task<Result<void>> TlsStream::negotiate(BootTime deadline) {
  socket_->set_deadline(deadline);
  for (;;) {
    forget_tls_errors();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) co_return Result<void>();
    const int error = SSL_get_error(ssl_, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      co_return fail(take_tls_error(*session_, error));
    }
    const Direction until = error == SSL_ERROR_WANT_READ ? Direction::read : Direction::write;
    switch (co_await http::Readiness(*socket_, until)) {
      case http::WakeReason::ready:
        break;
      case http::WakeReason::timed_out:
        co_return fail(ErrorKind::timed_out, "net.tls_timeout", "the TLS handshake took too long",
                       peer_.address.to_string());
      case http::WakeReason::closed:
        co_return fail(socket_->failure());
    }
  }
}

// Fails closed: what the callback should have refused is refused here once more.
Result<void> TlsStream::check_outcome(bool needs_certificate) {
  if (needs_certificate && (!session_->verified || SSL_get_verify_result(ssl_) != X509_V_OK)) {
    return fail(ErrorKind::unauthenticated, "net.tls_peer_refused",
                "the peer's certificate was not verified", peer_.address.to_string());
  }
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &size);
  const std::string_view name(reinterpret_cast<const char*>(protocol), size);
  const bool http2 = name == "h2" && SSL_is_server(ssl_) == 1;
  peer_.protocol = http2 ? http::AgreedProtocol::http2 : http::AgreedProtocol::http1;
  if (size != 0 && !http2 && name != "http/1.1") {
    return fail(ErrorKind::unavailable, "net.tls_protocol", "the peer does not speak our TLS",
                "it selected a protocol that was not offered");
  }
  return {};
}

IoResult TlsStream::try_read(std::span<char> into) {
  if (ended_) return {IoStatus::end};
  if ((failure_ && !write_failed_) || socket_->closed()) return {IoStatus::failed};
  if (!holds_more_ && !possible(read_until_)) return {IoStatus::again};
  if (into.empty() || !socket_->spend(0)) return {IoStatus::again};
  forget_tls_errors();
  size_t bytes = 0;
  const int result = SSL_read_ex(ssl_, into.data(), into.size(), &bytes);
  if (result == 1) {
    session_->bytes_read += bytes;
    holds_more_ = SSL_has_pending(ssl_) == 1;
    read_until_ = Direction::read;
    return {IoStatus::ok, bytes};
  }
  holds_more_ = false;
  return conclude(result, read_until_);
}

IoResult TlsStream::try_write(std::string_view from) {
  if (failure_ || socket_->closed() || shut_down_) return {IoStatus::failed};
  if (from.empty() || !possible(write_until_) || !socket_->spend(0)) return {IoStatus::again};
  forget_tls_errors();
  size_t bytes = 0;
  const int result = SSL_write_ex(ssl_, from.data(), from.size(), &bytes);
  if (result == 1) {
    write_until_ = Direction::write;
    return {IoStatus::ok, bytes};
  }
  const IoResult outcome = conclude(result, write_until_);
  if (outcome.status == IoStatus::failed && failure_->code == "net.tls_closed") {
    // The peer may have said why before it closed: its alert, or an early answer, can still be
    // read.
    write_failed_ = true;
    char byte;
    size_t peeked = 0;
    const int found = SSL_peek_ex(ssl_, &byte, 1, &peeked);
    if (found != 1 && SSL_get_error(ssl_, found) == SSL_ERROR_SSL) {
      *failure_ = take_tls_error(*session_, SSL_ERROR_SSL);
      write_failed_ = false;
    }
    holds_more_ = found == 1;
    ERR_clear_error();
  }
  return outcome;
}

IoResult TlsStream::conclude(int result, Direction& until) {
  const int error = SSL_get_error(ssl_, result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
      until = Direction::read;
      return {IoStatus::again};
    case SSL_ERROR_WANT_WRITE:
      until = Direction::write;
      return {IoStatus::again};
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return {IoStatus::end};
    default:
      failure_ = std::make_unique<Error>(take_tls_error(*session_, error));
      write_failed_ = false;
      return {IoStatus::failed};
  }
}

void TlsStream::set_waiter(Direction direction, http::StreamWaiter* waiter) {
  const bool reads = direction == Direction::read;
  socket_->set_waiter(direction, waiter, reads ? read_until_ : write_until_);
  if (waiter && ((reads && holds_more_) || failure_)) socket_->wake_soon(direction);
}

void TlsStream::shutdown_write() {
  if (shut_down_ || failure_ || socket_->closed()) return;
  shut_down_ = true;
  forget_tls_errors();
  SSL_shutdown(ssl_);  // sends close_notify; the peer's own is not waited for
  ERR_clear_error();
  socket_->shutdown_write();
}

bool TlsStream::stale() const {
  return holds_more_ || ended_ || failure_ || socket_->stale();
}

Error TlsStream::failure() const {
  return failure_ ? *failure_ : socket_->failure();
}

std::string_view TlsStream::protocol_version() const {
  return SSL_get_version(ssl_);
}

}  // namespace countersign::net
