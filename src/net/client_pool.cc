#include "net/client_pool.h"

#include "net/tls_stream.h"

namespace countersign::net {
namespace {

constexpr BootClock::duration sweep_interval = std::chrono::seconds(1);

std::string default_authority(const ClientPoolOptions& options, bool tls) {
  const bool is_v6 = options.host.find(':') != std::string::npos;
  std::string authority = is_v6 ? "[" + options.host + "]" : options.host;
  if (authority.empty()) authority = "localhost";  // a Unix socket's
  const bool implied = options.port == 0 || options.port == (tls ? 443 : 80);
  if (!implied) authority += ":" + std::to_string(options.port);
  return authority;
}

// The errors of connecting as http::Client promises them; the detail keeps what happened.
Error as_client_error(Error error) {
  if (error.kind == ErrorKind::timed_out) {
    return make_error(ErrorKind::timed_out, "http.upstream_timeout", "the upstream took too long",
                      error.for_log());
  }
  if (error.code.starts_with("net.tls_")) {
    return make_error(error.kind, "net.tls_failed", "no secure connection to the upstream",
                      error.for_log());
  }
  if (error.code == "net.resolve_failed" || error.code == "net.connect_failed") return error;
  return make_error(error.kind, "net.connect_failed", "no connection to the upstream",
                    error.for_log());
}

}  // namespace

class ClientPool::Impl final : private Timer {
 public:
  Impl(Loop& loop, Resolver& resolver, ClientPoolOptions options,
       const Published<TlsClientContext>* tls)
      : loop_(loop), resolver_(resolver), options_(std::move(options)) {
    if (tls) contexts_.emplace(*tls);
    if (options_.authority.empty())
      options_.authority = default_authority(options_, tls != nullptr);
  }
  ~Impl() override {
    close_idle([](const Pooled&) { return true; });
    if (connections_ != 0) panic("a ClientPool was destroyed before its exchanges");
  }

  // A warm connection's exchange, or null.
  std::unique_ptr<http::ClientExchange> reuse(BootTime deadline);
  Task<Result<std::unique_ptr<http::ClientExchange>>> open_new(BootTime deadline);
  // Follows the published context. `net.tls_failed` if TLS is wanted and there is none.
  Result<void> follow_context();

  void retire() {
    options_.idle_max = 0;
    close_idle([](const Pooled&) { return true; });
  }

  size_t connections() const { return connections_; }
  size_t idle() const { return idle_count_; }

 private:
  // One connection. In idle_, or busy and known to its exchange.
  struct Pooled final : Linked {
    Pooled(Impl& pool, std::shared_ptr<const TlsClientContext> made_with,
           std::unique_ptr<http::ByteStream> stream)
        : context(std::move(made_with)),
          connection(std::move(stream), pool.options_.authority, pool.options_.limits) {}
    std::shared_ptr<const TlsClientContext> context;
    BootTime idle_since{};
    http::ClientConnection connection;
  };

  // Keeps a place among connections_max while a connection is made; that may be given up at any
  // time.
  class Place {
   public:
    explicit Place(Impl& pool) : pool_(&pool) { ++pool.connections_; }
    Place(const Place&) = delete;
    ~Place() {
      if (pool_) --pool_->connections_;
    }
    void keep() { pool_ = nullptr; }

   private:
    Impl* pool_;
  };

  std::unique_ptr<http::ClientExchange> start(Pooled& pooled, BootTime deadline) {
    return pooled.connection.start(
        deadline, [this, which = &pooled](bool reusable) { give_back(*which, reusable); });
  }
  void give_back(Pooled& pooled, bool reusable);
  void remove(Pooled& pooled) {
    --connections_;
    delete &pooled;
  }
  template <typename Which>
  void close_idle(Which which);
  Task<Result<std::unique_ptr<SocketStream>>> connect(BootTime deadline);
  void fire() override;

  Loop& loop_;
  Resolver& resolver_;
  ClientPoolOptions options_;
  std::optional<Published<TlsClientContext>::Reader> contexts_;
  std::shared_ptr<const TlsClientContext> context_;
  LinkedList<Pooled> idle_;  // the one used last at the back
  size_t idle_count_ = 0;
  size_t connections_ = 0;
};

Result<void> ClientPool::Impl::follow_context() {
  if (!contexts_) return {};
  if (contexts_->get() != context_.get()) {
    context_ = contexts_->share();
    close_idle([&](const Pooled& pooled) { return pooled.context != context_; });
  }
  if (context_) return {};
  return fail(ErrorKind::misconfigured, "net.tls_failed", "no secure connection to the upstream",
              "no TLS context has been published");
}

std::unique_ptr<http::ClientExchange> ClientPool::Impl::reuse(BootTime deadline) {
  while (!idle_.empty()) {
    Pooled& last = idle_.back();
    last.unlink();
    --idle_count_;
    if (last.connection.reusable()) return start(last, deadline);
    remove(last);
  }
  return nullptr;
}

void ClientPool::Impl::give_back(Pooled& pooled, bool reusable) {
  const bool current = follow_context() && pooled.context == context_;
  if (!reusable || !current || !pooled.connection.reusable() || idle_count_ >= options_.idle_max) {
    return remove(pooled);
  }
  pooled.idle_since = loop_.now();
  idle_.push_back(pooled);
  ++idle_count_;
  if (!armed()) loop_.arm(*this, loop_.now() + sweep_interval);
}

template <typename Which>
void ClientPool::Impl::close_idle(Which which) {
  idle_.for_each([&](Pooled& pooled) {
    if (!which(pooled)) return;
    pooled.connection.stream().shutdown_write();  // in order: close_notify
    --idle_count_;
    remove(pooled);
  });
}

void ClientPool::Impl::fire() {
  static_cast<void>(follow_context());
  const BootTime oldest = loop_.now() - options_.idle_timeout;
  close_idle([&](const Pooled& pooled) {
    return pooled.idle_since <= oldest || !pooled.connection.reusable();
  });
  if (!idle_.empty()) loop_.arm(*this, loop_.now() + sweep_interval);
}

Task<Result<std::unique_ptr<http::ClientExchange>>> ClientPool::Impl::open_new(BootTime deadline) {
  if (connections_ >= options_.connections_max && !idle_.empty()) {
    // Only reached by callers that insist on a fresh connection: a warm one makes room.
    --idle_count_;
    remove(idle_.pop_front());
  }
  if (connections_ >= options_.connections_max) {
    co_return fail(ErrorKind::rate_limited, "net.too_many_connections",
                   "too many connections to the upstream", options_.authority);
  }
  Place place(*this);
  const BootTime connected_by = std::min(deadline, loop_.now() + options_.connect_timeout);
  const std::shared_ptr<const TlsClientContext> context = context_;
  auto socket = co_await connect(connected_by);
  if (!socket) co_return fail(as_client_error(std::move(socket).error()));
  std::unique_ptr<http::ByteStream> stream;
  if (context) {
    auto secured = co_await TlsStream::connect(*std::move(socket), context, connected_by);
    if (!secured) co_return fail(as_client_error(std::move(secured).error()));
    stream = *std::move(secured);
  } else {
    stream = *std::move(socket);
  }
  place.keep();
  co_return start(*new Pooled(*this, context, std::move(stream)), deadline);
}

Task<Result<std::unique_ptr<SocketStream>>> ClientPool::Impl::connect(BootTime deadline) {
  if (!options_.unix_path.empty()) {
    co_return co_await connect_unix(loop_, options_.unix_path, deadline);
  }
  CS_CO_TRY(const Addresses addresses, co_await resolver_.resolve(loop_, options_.host, deadline));
  Result<std::unique_ptr<SocketStream>> socket;
  for (size_t i = 0; i < addresses.size(); ++i) {
    // An equal share of the time that is left for each address that is left: one that does not
    // answer leaves some for the others.
    const auto left = deadline - loop_.now();
    const BootTime until = loop_.now() + left / static_cast<int64_t>(addresses.size() - i);
    socket = co_await connect_tcp(loop_, {addresses[i], options_.port}, until);
    if (socket) break;
  }
  co_return socket;
}

ClientPool::ClientPool(Loop& loop, Resolver& resolver, ClientPoolOptions options,
                       const Published<TlsClientContext>* tls)
    : impl_(std::make_unique<Impl>(loop, resolver, std::move(options), tls)) {}
ClientPool::~ClientPool() = default;

Task<Result<std::unique_ptr<http::ClientExchange>>> ClientPool::open(http::OpenOptions options) {
  CS_CO_CHECK(impl_->follow_context());
  if (!options.fresh_connection) {
    if (auto exchange = impl_->reuse(options.deadline)) co_return exchange;
  }
  co_return co_await impl_->open_new(options.deadline);
}

void ClientPool::retire() {
  impl_->retire();
}
size_t ClientPool::connections() const {
  return impl_->connections();
}
size_t ClientPool::idle_connections() const {
  return impl_->idle();
}

}  // namespace countersign::net
