// TlsStream: TLS over a SocketStream, as a ByteStream. Exists only after its handshake: the
// TlsStream of a context that asks for certificates has a peer that was verified.
//
// OpenSSL reads and writes the socket through its remembered readiness, so it makes no system call
// that cannot succeed. An end without close_notify is `failed`, never `end`: what was received may
// be cut short.

#pragma once

#include <memory>
#include <string_view>

#include "core/task.h"
#include "http/byte_stream.h"
#include "net/socket_stream.h"
#include "net/tls.h"

struct ssl_st;

namespace countersign::net {

struct TlsSession;

class TlsStream final : public http::ByteStream {
 public:
  // The handshake. Errors: `net.tls_peer_refused` (its certificate; the detail says which and why),
  // `net.tls_alert` (the peer refused this side), `net.tls_protocol`, `net.tls_closed`,
  // `net.tls_timeout`. The peer is told by an alert.
  static Task<Result<std::unique_ptr<TlsStream>>> accept(
      std::unique_ptr<SocketStream> socket, std::shared_ptr<const TlsServerContext> context,
      BootTime deadline);
  // TLS 1.3 lets a client finish before the server has judged its certificate: a refusal is then
  // the failure() of the first read.
  static Task<Result<std::unique_ptr<TlsStream>>> connect(
      std::unique_ptr<SocketStream> socket, std::shared_ptr<const TlsClientContext> context,
      BootTime deadline);
  ~TlsStream() override;

  http::IoResult try_read(std::span<char> into) override;
  http::IoResult try_write(std::string_view from) override;
  void set_waiter(http::Direction direction, http::StreamWaiter* waiter) override;
  void set_deadline(BootTime deadline) override { socket_->set_deadline(deadline); }
  void shutdown_write() override;
  void close() override { socket_->close(); }
  bool stale() const override;
  const http::PeerInfo& peer() const override { return peer_; }
  Error failure() const override;

  // For tests and diagnosis: "TLSv1.3"; null once destroyed.
  std::string_view protocol_version() const;
  ssl_st* native() { return ssl_; }

 private:
  TlsStream(std::unique_ptr<SocketStream> socket, std::shared_ptr<const void> context, ssl_st* ssl);
  static Task<Result<std::unique_ptr<TlsStream>>> shake_hands(std::unique_ptr<TlsStream> stream,
                                                              const crypto::PeerRules* rules,
                                                              BootTime deadline);
  Task<Result<void>> negotiate(BootTime deadline);
  Result<void> check_outcome(bool needs_certificate);
  bool possible(http::Direction until) const {
    return until == http::Direction::read ? socket_->readable() : socket_->writable();
  }
  // What a call that moved nothing says: to wait for, or that it is over.
  http::IoResult conclude(int result, http::Direction& until);

  std::unique_ptr<SocketStream> socket_;
  std::unique_ptr<TlsSession> session_;
  std::shared_ptr<const void> context_;  // of which the SSL object was made
  ssl_st* ssl_;
  std::unique_ptr<const crypto::VerifiedPeer> verified_;
  http::PeerInfo peer_;
  std::unique_ptr<Error> failure_;
  // What a reader, or writer, has to wait for: a KeyUpdate can make a reader write.
  http::Direction read_until_ = http::Direction::read;
  http::Direction write_until_ = http::Direction::write;
  bool holds_more_ = true;  // OpenSSL has bytes that the socket will not report again
  bool write_failed_ = false;
  bool ended_ = false;
  bool shut_down_ = false;
};

}  // namespace countersign::net
