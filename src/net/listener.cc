#include "net/listener.h"

#include <algorithm>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/socket_address.h"

namespace countersign::net {
namespace {

Error listen_failed(std::string_view doing, int error_number) {
  return system_error(ErrorKind::misconfigured, "net.listen_failed", "cannot listen there", doing,
                      error_number);
}

// Removes the file of a Unix socket that no process listens on any more.
Result<void> remove_dead_socket(const std::string& path, const SocketAddress& address) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return {};  // bind() will say what is wrong
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool dead = S_ISSOCK(status.st_mode) && probe.valid() &&
                    ::connect(probe.get(), address.get(), address.size()) != 0 &&
                    errno == ECONNREFUSED;
  if (!dead) return fail(listen_failed("bind " + path, EADDRINUSE));
  ::unlink(path.c_str());
  return {};
}

Result<void> set_option(int fd, int level, int name, const void* value, size_t size,
                        const std::string& what) {
  if (::setsockopt(fd, level, name, value, static_cast<socklen_t>(size)) == 0) return {};
  return fail(listen_failed(what, errno));
}

Result<void> prepare_tcp(int fd, const ListenOptions& options) {
  const int on = 1;
  CS_CHECK(set_option(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, "SO_REUSEADDR"));
  if (!options.address.address.is_v4()) {
    // One listener, one address family: who wants both says both.
    CS_CHECK(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on, "IPV6_V6ONLY"));
  }
  if (!options.interface.empty()) {
    CS_CHECK(set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, options.interface.data(),
                        options.interface.size(), "SO_BINDTODEVICE " + options.interface));
  }
  return {};
}

// Who may connect to a Unix socket. The owner first: a change of owner may take mode bits away.
Result<void> set_access(const ListenOptions& options) {
  const std::string& path = options.unix_path;
  if (options.unix_owner || options.unix_group) {
    constexpr auto unchanged = static_cast<uint32_t>(-1);
    if (::lchown(path.c_str(), options.unix_owner.value_or(unchanged),
                 options.unix_group.value_or(unchanged)) != 0) {
      return fail(listen_failed("chown " + path, errno));
    }
  }
  if (::chmod(path.c_str(), options.unix_mode) != 0) {
    return fail(listen_failed("chmod " + path, errno));
  }
  return {};
}

// Nothing if the kernel does not say who connected: then nobody is served.
std::optional<http::LocalPeer> local_peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return http::LocalPeer{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace

Result<std::shared_ptr<const ListeningSocket>> ListeningSocket::create(
    const ListenOptions& options) {
  const bool is_unix = !options.unix_path.empty();
  const std::string name = is_unix ? options.unix_path : options.address.to_string();
  SocketAddress address;
  if (is_unix) {
    CS_TRY(address, SocketAddress::of_unix(options.unix_path));
    CS_CHECK(remove_dead_socket(options.unix_path, address));
  } else {
    address = SocketAddress::of(options.address);
  }
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail(listen_failed("socket for " + name, errno));
  if (!is_unix) CS_CHECK(prepare_tcp(fd.get(), options));
  if (::bind(fd.get(), address.get(), address.size()) != 0) {
    return fail(listen_failed("bind " + name, errno));
  }
  if (is_unix) CS_CHECK(set_access(options));  // nobody can connect before listen()
  if (::listen(fd.get(), options.backlog) != 0) return fail(listen_failed("listen " + name, errno));
  SocketAddress bound;
  ::getsockname(fd.get(), bound.get(), bound.size_for_kernel());
  return std::shared_ptr<const ListeningSocket>(
      new ListeningSocket(std::move(fd), bound.endpoint(), options));
}

ListeningSocket::~ListeningSocket() {
  // Whoever took the path over since keeps it.
  if (is_unix() && identity_of(unix_path_) == unix_file_) ::unlink(unix_path_.c_str());
}

ListeningSocket::FileIdentity ListeningSocket::identity_of(const std::string& path) {
  struct stat status;
  if (path.empty() || ::lstat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

bool ListeningSocket::is_proxied(const IpAddress& from) const {
  return std::ranges::any_of(proxy_protocol_from_,
                             [&](const Network& network) { return network.contains(from); });
}

std::string ListeningSocket::name() const {
  return is_unix() ? "unix:" + unix_path_ : bound_.to_string();
}

Result<std::unique_ptr<Acceptor>> Acceptor::create(Loop& loop,
                                                   std::shared_ptr<const ListeningSocket> socket,
                                                   ConnectionLimits& limits, OnAccept on_accept) {
  std::unique_ptr<Acceptor> acceptor(
      new Acceptor(loop, std::move(socket), limits, std::move(on_accept)));
  CS_CHECK(acceptor->resume());
  return acceptor;
}

Acceptor::Acceptor(Loop& loop, std::shared_ptr<const ListeningSocket> socket,
                   ConnectionLimits& limits, OnAccept on_accept)
    : loop_(loop), socket_(std::move(socket)), limits_(limits), on_accept_(std::move(on_accept)) {}

Acceptor::~Acceptor() {
  if (watching_) loop_.unwatch(socket_->fd());
}

Result<void> Acceptor::resume() {
  // Level-triggered: what is left in the backlog is reported again, to this loop or to another.
  CS_CHECK(loop_.watch(socket_->fd(), EPOLLIN | EPOLLEXCLUSIVE, *this));
  watching_ = true;
  return {};
}

void Acceptor::pause() {
  if (watching_) loop_.unwatch(socket_->fd());
  watching_ = false;
  loop_.arm(*this, loop_.now() + pause_time);
}

void Acceptor::fire() {
  if (!limits_.room() || !resume()) pause();
}

void Acceptor::on_events(uint32_t /*events*/) {
  loop_.schedule(*this);
}

void Acceptor::run() {
  for (int i = 0; i < batch_max; ++i) {
    if (!limits_.room()) return pause();
    if (!accept_one()) return;
  }
}

// False if there is nothing more to accept in this turn.
bool Acceptor::accept_one() {
  SocketAddress address;
  Fd fd(::accept4(socket_->fd(), address.get(), address.size_for_kernel(),
                  SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid()) {
    if (errno == EAGAIN) return false;
    const bool only_that_one = errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
    // No descriptor, no memory: trying again at once would spin.
    if (!only_that_one) pause();
    return only_that_one;
  }
  http::PeerInfo peer{.address = address.endpoint()};
  if (socket_->is_unix()) {
    peer.local = local_peer_of(fd.get());
    if (!peer.local) return true;
  }
  const bool proxied = socket_->is_proxied(peer.address.address);
  auto permit = proxied ? limits_.admit_unnamed() : limits_.admit(peer.address.address);
  if (!permit) return true;
  set_no_delay(fd.get());
  on_accept_({.fd = std::move(fd),
              .peer = peer,
              .permit = *std::move(permit),
              .proxied = proxied,
              .load = {}});
  return true;
}

}  // namespace countersign::net
