#include "net/loop_server.h"

#include <span>
#include <string>

#include "net/proxy_protocol.h"
#include "net/tls_stream.h"

namespace countersign::net {
namespace {

// What a cut-off connection's service gets to note its end before its task is destroyed.
constexpr BootClock::duration last_words = std::chrono::milliseconds(500);

// Exactly so many bytes more.
Task<Result<void>> read_exactly(http::ByteStream& stream, std::string& into, size_t bytes) {
  size_t at = into.size();
  into.resize(at + bytes);
  while (at < into.size()) {
    const http::IoResult got = stream.try_read(std::span(into).subspan(at));
    if (got.status == http::IoStatus::ok) {
      at += got.bytes;
      continue;
    }
    const bool may_come = got.status == http::IoStatus::again &&
                          co_await http::readable(stream) == http::WakeReason::ready;
    if (!may_come) {
      co_return fail(ErrorKind::unavailable, "net.proxy_malformed",
                     "the PROXY protocol header did not come", stream.peer().address.to_string());
    }
  }
  co_return Result<void>();
}

Task<Result<std::optional<Endpoint>>> read_proxy_header(http::ByteStream& stream,
                                                        BootTime deadline) {
  stream.set_deadline(deadline);
  std::string header;
  CS_CO_CHECK(co_await read_exactly(stream, header, proxy_prefix_bytes));
  CS_CO_TRY(const size_t bytes, proxy_header_bytes(header));
  CS_CO_CHECK(co_await read_exactly(stream, header, bytes - proxy_prefix_bytes));
  stream.set_deadline(BootTime::max());
  co_return parse_proxy_header(header);
}

}  // namespace

class LoopServer::Impl final : private Timer, private Wakeup {
 public:
  Impl(Loop& loop, http::Service& service, ConnectionLimits& limits, const ServingOptions& options)
      : loop_(loop), service_(service), limits_(limits), options_(options) {}
  ~Impl() override { tasks_.cancel_all(); }

  Result<void> listen(const ServerEndpoint& endpoint);
  void serve(AcceptedConnection connection, const Published<TlsServerContext>* tls);
  void drain(BootTime deadline, std::move_only_function<void()> done);

  void close_connections(const std::function<bool(const http::PeerInfo&)>& which) {
    members_.for_each([&](Member& member) {
      if (member.stream && !member.in_handshake && which(member.stream->peer()))
        member.stream->close();
    });
  }
  Route route_;
  const Counted::Count count_ = std::make_shared<std::atomic<size_t>>(0);

 private:
  // A connection while its task runs.
  struct Member final : Linked {
    explicit Member(Impl& server) : owner(server) { server.members_.push_back(*this); }
    ~Member() {
      unlink();
      if (owner.done_ && owner.members_.empty()) owner.loop_.schedule(owner);
    }
    Impl& owner;
    http::ByteStream* stream = nullptr;
    bool in_handshake = false;
    http::ConnectionStatus status;
  };

  Task<void> run_connection(AcceptedConnection connection, const Published<TlsServerContext>* tls);
  Task<bool> learn_peer(SocketStream& socket, AcceptedConnection& connection, Member& member);
  Task<std::unique_ptr<http::ByteStream>> secure(std::unique_ptr<SocketStream> socket,
                                                 const Published<TlsServerContext>& tls,
                                                 Member& member);
  void fire() override;
  void run() override;

  Loop& loop_;
  http::Service& service_;
  ConnectionLimits& limits_;
  const ServingOptions& options_;
  http::ServerState state_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  LinkedList<Member> members_;
  TaskGroup tasks_;
  BootTime cut_off_ = BootTime::max();
  bool was_cut_off_ = false;
  std::move_only_function<void()> done_;
};

Result<void> LoopServer::Impl::listen(const ServerEndpoint& endpoint) {
  const auto on_accept = [this, tls = endpoint.tls](AcceptedConnection connection) {
    if (route_) {
      route_(std::move(connection), tls);
    } else {
      serve(std::move(connection), tls);
    }
  };
  CS_TRY(auto acceptor, Acceptor::create(loop_, endpoint.socket, limits_, on_accept));
  acceptors_.push_back(std::move(acceptor));
  return {};
}

void LoopServer::Impl::serve(AcceptedConnection connection,
                             const Published<TlsServerContext>* tls) {
  if (state_.draining) return;
  if (!connection.load) connection.load = Counted(count_);
  tasks_.spawn(run_connection(std::move(connection), tls));
}

Task<void> LoopServer::Impl::run_connection(AcceptedConnection connection,
                                            const Published<TlsServerContext>* tls) {
  Member member(*this);
  auto socket = SocketStream::create(loop_, std::move(connection.fd), connection.peer);
  if (!socket) co_return;
  if (connection.proxied && !co_await learn_peer(**socket, connection, member)) co_return;
  std::unique_ptr<http::ByteStream> stream;
  if (tls) {
    stream = co_await secure(*std::move(socket), *tls, member);
    if (!stream) co_return;
  } else {
    stream = *std::move(socket);
  }
  member.stream = stream.get();
  co_await http::serve_connection(*stream, service_, loop_, options_.limits, state_, member.status);
  member.stream = nullptr;
}

// Reads the PROXY protocol header, and not a byte more: what follows is the client's. False: the
// connection is not served.
Task<bool> LoopServer::Impl::learn_peer(SocketStream& socket, AcceptedConnection& connection,
                                        Member& member) {
  member.stream = &socket;
  member.in_handshake = true;
  const Endpoint balancer = socket.peer().address;
  auto source = co_await read_proxy_header(socket, loop_.now() + options_.handshake_timeout);
  member.stream = nullptr;
  member.in_handshake = false;
  if (!source) {
    if (options_.on_handshake_failed) options_.on_handshake_failed(balancer, source.error());
    co_return false;
  }
  const Endpoint peer = source->value_or(balancer);
  socket.set_peer_address(peer);
  co_return !state_.draining && connection.permit.name(peer.address);
}

// The connection after its handshake, or null.
Task<std::unique_ptr<http::ByteStream>> LoopServer::Impl::secure(
    std::unique_ptr<SocketStream> socket, const Published<TlsServerContext>& tls, Member& member) {
  const auto permit = limits_.admit_handshake(loop_.now());
  auto context = tls.load();
  if (!permit || !context) co_return nullptr;
  const Endpoint peer = socket->peer().address;
  member.stream = socket.get();
  member.in_handshake = true;
  auto secured = co_await TlsStream::accept(std::move(socket), std::move(context),
                                            loop_.now() + options_.handshake_timeout);
  member.stream = nullptr;
  member.in_handshake = false;
  if (!secured) {
    if (options_.on_handshake_failed) options_.on_handshake_failed(peer, secured.error());
    co_return nullptr;
  }
  if (state_.draining) co_return nullptr;
  co_return *std::move(secured);
}

void LoopServer::Impl::drain(BootTime deadline, std::move_only_function<void()> done) {
  const bool first = !state_.draining.exchange(true);
  if (first) {
    done_ = std::move(done);
    acceptors_.clear();
    members_.for_each([](Member& member) {
      if (!member.stream) return;
      if (member.status.on_drain) {
        member.status.on_drain->begin_drain();
      } else if (member.in_handshake || member.status.idle) {
        member.stream->close();
      }
    });
    if (members_.empty()) loop_.schedule(*this);
  }
  if (deadline < cut_off_ && !was_cut_off_) {
    cut_off_ = deadline;
    loop_.arm(*this, deadline);
  }
}

void LoopServer::Impl::fire() {
  if (was_cut_off_) {
    tasks_.cancel_all();
    return;
  }
  was_cut_off_ = true;
  members_.for_each([](Member& member) {
    if (member.stream) member.stream->close();
  });
  loop_.arm(*this, loop_.now() + last_words);
}

void LoopServer::Impl::run() {
  loop_.disarm(*this);
  if (auto done = std::exchange(done_, nullptr)) done();
}

LoopServer::LoopServer(Loop& loop, http::Service& service, ConnectionLimits& limits,
                       const ServingOptions& options)
    : impl_(std::make_unique<Impl>(loop, service, limits, options)) {}
LoopServer::~LoopServer() = default;

Result<void> LoopServer::listen(const ServerEndpoint& endpoint) {
  return impl_->listen(endpoint);
}
void LoopServer::set_route(Route route) {
  impl_->route_ = std::move(route);
}
const Counted::Count& LoopServer::load() const {
  return impl_->count_;
}
void LoopServer::serve(AcceptedConnection connection, const Published<TlsServerContext>* tls) {
  impl_->serve(std::move(connection), tls);
}
void LoopServer::close_connections(const std::function<bool(const http::PeerInfo&)>& which) {
  impl_->close_connections(which);
}
void LoopServer::drain(BootTime deadline, std::move_only_function<void()> done) {
  impl_->drain(deadline, std::move(done));
}

}  // namespace countersign::net
