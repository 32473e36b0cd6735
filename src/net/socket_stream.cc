#include "net/socket_stream.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/socket_address.h"

namespace countersign::net {
namespace {

using http::Direction;
using http::IoResult;
using http::IoStatus;
using http::WakeReason;

// What one stream may move in one turn; a try costs as much as moving try_cost bytes. Some six
// reads of a TLS record, or sixty small messages.
constexpr size_t share_per_turn = 256 * 1024;
constexpr size_t try_cost = 4 * 1024;

}  // namespace

Result<std::unique_ptr<SocketStream>> SocketStream::create(Loop& loop, Fd fd, http::PeerInfo peer) {
  const int number = fd.get();
  std::unique_ptr<SocketStream> stream(new SocketStream(loop, std::move(fd), peer));
  CS_CHECK(loop.watch(number, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *stream));
  return stream;
}

SocketStream::SocketStream(Loop& loop, Fd fd, http::PeerInfo peer)
    : loop_(loop), fd_(std::move(fd)), peer_(peer) {}

SocketStream::~SocketStream() {
  if (fd_.valid()) loop_.unwatch(fd_.get());
}

void SocketStream::on_events(uint32_t events) {
  constexpr uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (events & over) hung_up_ = true;
  if (events & (EPOLLIN | over)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (reader_.waiter && possible(reader_.until)) loop_.schedule(reader_);
  if (writer_.waiter && possible(writer_.until)) loop_.schedule(writer_);
}

bool SocketStream::spend(size_t bytes) {
  if (share_turn_ != loop_.turn_number()) {
    share_turn_ = loop_.turn_number();
    share_left_ = share_per_turn;
  }
  if (share_left_ == 0) return false;
  share_left_ -= std::min(share_left_, bytes + try_cost);
  return true;
}

IoResult SocketStream::try_read(std::span<char> into) {
  if (read_error_ != 0) return {IoStatus::failed};
  if (ended_) return {IoStatus::end};
  if (!readable_ || into.empty() || !spend(0)) return {IoStatus::again};
  ssize_t moved;
  do {
    moved = ::recv(fd_.get(), into.data(), into.size(), 0);
  } while (moved < 0 && errno == EINTR);
  if (moved > 0) {
    const auto bytes = static_cast<size_t>(moved);
    spend(bytes);
    // A short read has emptied the kernel's buffer; whatever comes later is reported. But what ends
    // the stream may have been reported already, so then only the end itself stops the reading.
    if (bytes < into.size() && !hung_up_) readable_ = false;
    return {IoStatus::ok, bytes};
  }
  if (moved == 0 && write_error_ == 0) {
    ended_ = true;
    return {IoStatus::end};
  }
  if (moved < 0 && errno == EAGAIN) {
    readable_ = false;
    return {IoStatus::again};
  }
  // The kernel tells of a reset once only: after a write that failed, the end is no orderly one.
  read_error_ = moved == 0 ? write_error_ : errno;
  return {IoStatus::failed};
}

IoResult SocketStream::try_write(std::string_view from) {
  if (write_error_ != 0) return {IoStatus::failed};
  if (!writable_ || from.empty() || !spend(0)) return {IoStatus::again};
  ssize_t moved;
  do {
    moved = ::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL);
  } while (moved < 0 && errno == EINTR);
  if (moved >= 0) {
    const auto bytes = static_cast<size_t>(moved);
    spend(bytes);
    if (bytes < from.size()) writable_ = false;
    return {IoStatus::ok, bytes};
  }
  if (errno == EAGAIN) {
    writable_ = false;
    return {IoStatus::again};
  }
  write_error_ = errno;
  return {IoStatus::failed};
}

void SocketStream::set_waiter(Direction direction, http::StreamWaiter* waiter) {
  set_waiter(direction, waiter, direction);
}

void SocketStream::set_waiter(Direction direction, http::StreamWaiter* waiter, Direction until) {
  Slot& place = slot(direction);
  place.waiter = waiter;
  place.until = until;
  place.forced = false;
  if (!waiter) {
    place.unlink();
  } else if (possible(until) || broken() || deadline() <= loop_.now()) {
    loop_.schedule(place);
  }
}

void SocketStream::wake_soon(Direction direction) {
  slot(direction).forced = true;
  loop_.schedule(slot(direction));
}

void SocketStream::Slot::run() {
  if (!waiter) return;
  WakeReason reason = WakeReason::ready;
  if (owner.closed()) {
    reason = WakeReason::closed;
  } else if (owner.deadline() <= owner.loop_.now()) {
    reason =
        WakeReason::timed_out;  // also if there is something to read: a trickle does not buy time
  } else if (!forced && !owner.possible(until) && !owner.broken()) {
    return;  // used up since by the other direction; the next report wakes
  }
  std::exchange(waiter, nullptr)->wake(reason);  // may destroy the stream
}

void SocketStream::set_deadline(BootTime deadline) {
  loop_.deadlines().set(*this, deadline);
}

void SocketStream::deadline_passed() {
  if (reader_.waiter) loop_.schedule(reader_);
  if (writer_.waiter) loop_.schedule(writer_);
}

void SocketStream::shutdown_write() {
  if (fd_.valid()) ::shutdown(fd_.get(), SHUT_WR);
}

void SocketStream::close() {
  if (!fd_.valid()) return;
  loop_.unwatch(fd_.get());
  fd_.reset();
  unlink();  // no deadline any more
  read_error_ = write_error_ = ECANCELED;
  if (reader_.waiter) loop_.schedule(reader_);
  if (writer_.waiter) loop_.schedule(writer_);
}

bool SocketStream::stale() const {
  return readable_ || hung_up_ || ended_ || broken();
}

Error SocketStream::failure() const {
  if (closed()) return make_error(ErrorKind::cancelled, "net.closed", "the connection was closed");
  return system_error(ErrorKind::unavailable, "net.connection_lost", "the connection broke",
                      peer_.address.to_string(), read_error_ ? read_error_ : write_error_);
}

namespace {

Task<Result<std::unique_ptr<SocketStream>>> connect(Loop& loop, SocketAddress to, Endpoint peer,
                                                    std::string name, BootTime deadline) {
  const auto failed = [&](int error_number) {
    return system_error(ErrorKind::unavailable, "net.connect_failed", "no connection",
                        "connect to " + name, error_number);
  };
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) co_return fail(failed(errno));
  const int number = fd.get();
  set_no_delay(number);
  // A Unix socket whose backlog is full says EAGAIN: then nothing is under way.
  if (::connect(number, to.get(), to.size()) != 0 && errno != EINPROGRESS) {
    co_return fail(failed(errno));
  }
  CS_CO_TRY(auto stream,
            SocketStream::create(loop, std::move(fd), http::PeerInfo{.address = peer}));
  stream->set_deadline(deadline);
  if (co_await http::writable(*stream) != WakeReason::ready) {
    co_return fail(ErrorKind::timed_out, "net.connect_timeout", "no connection in time",
                   "connect to " + name);
  }
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(number, SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0) co_return fail(failed(error_number));
  stream->set_deadline(BootTime::max());
  co_return stream;
}

}  // namespace

Task<Result<std::unique_ptr<SocketStream>>> connect_tcp(Loop& loop, Endpoint to,
                                                        BootTime deadline) {
  return connect(loop, SocketAddress::of(to), to, to.to_string(), deadline);
}

Task<Result<std::unique_ptr<SocketStream>>> connect_unix(Loop& loop, std::string path,
                                                         BootTime deadline) {
  auto address = SocketAddress::of_unix(path);
  if (!address) co_return fail(std::move(address).error());
  co_return co_await connect(loop, *address, Endpoint{}, path, deadline);
}

}  // namespace countersign::net
