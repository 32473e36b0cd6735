#include "e2e/tls_server.h"

#include <array>
#include <stdexcept>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::e2e {
namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    "Connection: close\r\n\r\n{}";

}  // namespace

TlsServer::TlsServer(const drill::Identity& identity)
    : context_(make_context(identity)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof bound;
  auto* generic = reinterpret_cast<sockaddr*>(&bound);
  if (bind(listener_.get(), generic, size) != 0 || listen(listener_.get(), 64) != 0 ||
      getsockname(listener_.get(), generic, &size) != 0) {
    throw std::runtime_error("no port to listen on");
  }
  address_ = Endpoint::parse("127.0.0.1:" + std::to_string(ntohs(bound.sin_port))).value();
  thread_ = std::thread([this] { serve(); });
}

TlsServer::~TlsServer() {
  stop();
}

void TlsServer::stop() {
  if (!thread_.joinable()) return;
  shutdown(listener_.get(), SHUT_RDWR);  // accept() returns
  thread_.join();
}

TlsServer::Context TlsServer::make_context(const drill::Identity& identity) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool made =
      SSL_CTX_use_certificate_chain_file(context.get(), identity.certificate.c_str()) == 1 &&
      SSL_CTX_use_PrivateKey_file(context.get(), identity.private_key.c_str(), SSL_FILETYPE_PEM) ==
          1;
  if (!made) throw std::runtime_error("a server certificate that cannot be used");
  return context;
}

void TlsServer::use(const drill::Identity& identity) {
  Context next = make_context(identity);
  const std::lock_guard lock(mutex_);
  context_ = std::move(next);
}

std::string TlsServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void TlsServer::serve() {
  for (;;) {
    const net::Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() < 0) return;
    ++connections_;
    serve_one(connection.get());
  }
}

// Requests without a body, which is all that these tests send.
void TlsServer::serve_one(int connection) {
  Context context;
  {
    const std::lock_guard lock(mutex_);
    context = context_;
  }
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls.get(), connection);
  if (SSL_accept(tls.get()) != 1) return;
  ++handshakes_;
  std::string head;
  std::array<char, 4096> piece{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    const int got = SSL_read(tls.get(), piece.data(), static_cast<int>(piece.size()));
    if (got <= 0) break;
    head.append(piece.data(), static_cast<size_t>(got));
  }
  const bool complete = head.find("\r\n\r\n") != std::string::npos;
  {
    const std::lock_guard lock(mutex_);
    received_ += head;
  }
  if (complete) SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
  SSL_shutdown(tls.get());
}

}  // namespace countersign::e2e
