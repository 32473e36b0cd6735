#include "support/fault_proxy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"

namespace countersign::testing {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

int must(int result, const char* what) {
  if (result < 0) panic(std::string("fault proxy: ") + what);
  return result;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void close_fd(int& fd, bool with_reset) {
  if (fd < 0) return;
  if (with_reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(fd);
  fd = -1;
}

}  // namespace

// One direction of a connection: what was read and not yet written.
struct Flow {
  int from = -1;
  int to = -1;
  std::string held;
  uint64_t read = 0;      // into `held`, over its life
  uint64_t written = 0;   // out of it
  bool ended = false;     // the sender has ended
  bool finished = false;  // and the receiver knows
  bool stalled = false;
  bool dropping = false;
  SteadyTime paused_until{};
};

struct FaultProxy::Connection {
  Fault fault;
  int client = -1;
  int server = -1;
  bool struck = false;
  std::array<Flow, 2> flows;  // by Side

  ~Connection() { end(/*with_reset=*/false); }
  bool open() const { return client >= 0; }
  void end(bool with_reset) {
    close_fd(client, with_reset);
    close_fd(server, with_reset);
  }
  Flow& flow(Side side) { return flows[static_cast<size_t>(side)]; }

  // How many of the held bytes may leave now. Up to the fault and not beyond.
  size_t allowed(Side side) {
    Flow& f = flow(side);
    size_t n = f.held.size();
    if (fault.slice > 0) n = std::min(n, fault.slice);
    if (fault.kind != Kind::none && !struck && fault.where == side)
      n = static_cast<size_t>(std::min<uint64_t>(n, fault.at_byte - f.written));
    return n;
  }
  // The fault's byte has been reached, and there is more to pass: so a fault at byte n differs from
  // one at n + 1, and one beyond the end never comes.
  bool due(Side side) {
    Flow& f = flow(side);
    return fault.kind != Kind::none && !struck && fault.where == side &&
           f.written == fault.at_byte && (!f.held.empty() || f.ended);
  }
  void strike(Side side) {
    struck = true;
    Flow& f = flow(side);
    switch (fault.kind) {
      case Kind::none:
        break;
      case Kind::reset:
        end(/*with_reset=*/true);
        break;
      case Kind::close:
        end(/*with_reset=*/false);
        break;
      case Kind::close_half:
        shutdown(f.to, SHUT_WR);
        f.dropping = true;
        break;
      case Kind::stall:
        f.stalled = true;
        break;
      case Kind::drop:
        f.dropping = true;
        break;
      case Kind::delay:
        f.paused_until = std::chrono::steady_clock::now() + fault.pause;
        break;
    }
  }
};

FaultProxy::FaultProxy(Endpoint upstream) : upstream_(upstream) {
  listener_ = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  const sockaddr_in any = loopback(0);
  must(bind(listener_, generic(any), sizeof any), "bind");
  must(listen(listener_, 128), "listen");
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  must(getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size), "getsockname");
  address_ = {.address = IpAddress::parse("127.0.0.1").value(), .port = ntohs(bound.sin_port)};
  wake_ = must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  thread_ = std::thread([this] { serve(); });
}

FaultProxy::~FaultProxy() {
  stopping_ = true;
  wake();
  thread_.join();
  connections_.clear();
  close(listener_);
  close(wake_);
}

void FaultProxy::wake() {
  const uint64_t one = 1;
  static_cast<void>(::write(wake_, &one, sizeof one));
}

void FaultProxy::set(const Fault& fault, bool reset_open) {
  std::unique_lock lock(mutex_);
  fault_ = fault;
  reset_open_ = reset_open_ || reset_open;
  const uint64_t asked = ++sets_;
  wake();
  taken_.wait(lock, [&] { return sets_taken_ >= asked; });
}

// Between two rounds, so that no connection is half under the old fault.
void FaultProxy::take_set() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(reset_open_, false)) {
    for (auto& connection : connections_) connection->end(/*with_reset=*/true);
  }
  if (sets_taken_ != sets_) {
    passed_[0] = 0;
    passed_[1] = 0;
    struck_ = 0;
  }
  sets_taken_ = sets_;
  taken_.notify_all();
}

uint64_t FaultProxy::passed(Side side) const {
  return passed_[static_cast<size_t>(side)];
}

FaultProxy::Fault FaultProxy::take_fault() {
  const std::lock_guard lock(mutex_);
  if (fault_.connections == 0) return {};
  if (fault_.connections > 0) --fault_.connections;
  return fault_;
}

void FaultProxy::accept_one() {
  int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++accepted_;
  auto connection = std::make_unique<Connection>();
  connection->fault = take_fault();
  connection->client = client;
  connection->server = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in upstream = loopback(upstream_.port);
  if (connect(connection->server, generic(upstream), sizeof upstream) != 0) {
    connection->end(/*with_reset=*/true);
    return;
  }
  must(fcntl(connection->server, F_SETFL, O_NONBLOCK), "fcntl");
  for (const int fd : {connection->client, connection->server}) {
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  Flow& request = connection->flow(Side::request);
  Flow& response = connection->flow(Side::response);
  request.from = response.to = connection->client;
  request.to = response.from = connection->server;
  connections_.push_back(std::move(connection));
}

namespace {

constexpr size_t held_max = 64 * 1024;

bool wants_to_read(const Flow& flow) {
  return !flow.ended && !flow.stalled && flow.held.size() < held_max;
}

// False: the connection is broken.
bool read_more(Flow& flow) {
  std::array<char, 16 * 1024> piece;
  const ssize_t got = recv(flow.from, piece.data(), piece.size(), 0);
  if (got > 0) {
    flow.held.append(piece.data(), static_cast<size_t>(got));
    flow.read += static_cast<uint64_t>(got);
  } else if (got == 0) {
    flow.ended = true;
  } else {
    return errno == EAGAIN || errno == EINTR;
  }
  return true;
}

}  // namespace

void FaultProxy::serve() {
  std::vector<pollfd> polled;
  while (!stopping_) {
    take_set();
    std::erase_if(connections_, [](const auto& connection) { return !connection->open(); });
    polled.assign({{wake_, POLLIN, 0}, {listener_, POLLIN, 0}});
    int timeout = -1;
    const SteadyTime now = std::chrono::steady_clock::now();
    for (const auto& connection : connections_) {
      for (const Flow& flow : connection->flows) {
        const bool paused = flow.paused_until > now;
        const bool writes = !flow.held.empty() && !flow.stalled && !paused;
        if (paused) timeout = 1;
        polled.push_back({flow.from, static_cast<short>(wants_to_read(flow) ? POLLIN : 0), 0});
        polled.push_back({flow.to, static_cast<short>(writes ? POLLOUT : 0), 0});
      }
    }
    if (poll(polled.data(), polled.size(), timeout) < 0) continue;
    if (polled[0].revents != 0) {
      uint64_t count = 0;
      static_cast<void>(::read(wake_, &count, sizeof count));
    }
    // Asked to change meanwhile: what came must not pass under the old fault.
    if (polled[0].revents != 0) continue;
    size_t next = 2;
    for (const auto& connection : connections_) {
      for (const Side side : {Side::request, Side::response}) {
        const pollfd& from = polled[next++];
        const pollfd& to = polled[next++];
        if (!connection->open()) continue;
        pass(*connection, side, from.revents, to.revents);
      }
    }
    if (polled[1].revents != 0) accept_one();
  }
}

void FaultProxy::pass(Connection& connection, Side side, short from, short to) {
  Flow& flow = connection.flow(side);
  // A reset from either end is passed on as one.
  const bool broken = ((from | to) & (POLLERR | POLLNVAL)) != 0 || (to & POLLHUP) != 0;
  if (broken || ((from & (POLLIN | POLLHUP)) != 0 && !flow.ended && !read_more(flow))) {
    connection.end(/*with_reset=*/true);
    return;
  }
  if (flow.paused_until > std::chrono::steady_clock::now()) return;
  if (connection.due(side)) {
    ++struck_;  // before either end can see it
    struck_.notify_all();
    connection.strike(side);
    if (!connection.open()) return;
  }
  if (flow.dropping) flow.held.clear();
  const size_t bytes = flow.stalled ? 0 : connection.allowed(side);
  if (bytes > 0) {
    // Counted before the receiver can see them: whoever has the answer finds all of it counted.
    std::atomic<uint64_t>& passed = passed_[static_cast<size_t>(side)];
    passed += bytes;
    const ssize_t sent = send(flow.to, flow.held.data(), bytes, MSG_NOSIGNAL);
    passed -= bytes - static_cast<size_t>(std::max<ssize_t>(sent, 0));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      connection.end(/*with_reset=*/true);
      return;
    }
    if (sent > 0) {
      flow.held.erase(0, static_cast<size_t>(sent));
      flow.written += static_cast<uint64_t>(sent);
    }
  }
  if (flow.ended && flow.held.empty() && !flow.stalled && !flow.dropping && !flow.finished) {
    shutdown(flow.to, SHUT_WR);
    flow.finished = true;
  }
  const bool over = std::ranges::all_of(connection.flows, [](const Flow& f) { return f.finished; });
  if (over) connection.end(/*with_reset=*/false);
}

}  // namespace countersign::testing
