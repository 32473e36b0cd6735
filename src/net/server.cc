#include "net/server.h"

#include <future>
#include <thread>

namespace countersign::net {

class Server::Impl final {
 public:
  Impl(ServerOptions options, ServiceFactory factory)
      : options_(std::move(options)),
        factory_(std::move(factory)),
        limits_(options_.connection_limits) {}
  ~Impl() {
    for (const auto& thread : threads_) thread->loop->stop();
    join();
  }

  Result<void> start();
  void drain(BootClock::duration patience);
  void join() {
    for (const auto& thread : threads_) {
      if (thread->thread.joinable()) thread->thread.join();
    }
  }
  void on_each_loop(const std::function<void(Loop&)>& work) {
    for (const auto& thread : threads_) {
      thread->loop->post([work, loop = thread->loop.get()] { work(*loop); });
    }
  }
  void close_connections(const Loop& loop,
                         const std::function<bool(const http::PeerInfo&)>& which) {
    for (const auto& thread : threads_) {
      if (thread->loop.get() == &loop && thread->server) thread->server->close_connections(which);
    }
  }
  size_t threads() const { return threads_.size(); }
  size_t connections() const { return limits_.connections(); }

 private:
  // The loop lives as long as the server, so that anyone may post to it; service and connections
  // end with the thread.
  struct Thread {
    std::unique_ptr<Loop> loop;
    std::unique_ptr<http::Service> service;
    std::unique_ptr<LoopServer> server;
    Counted::Count load;  // the server's; read by all threads
    std::thread thread;

    void run() {
      loop->run();
      server.reset();
      loop->cancel_tasks();  // what the service has spawned uses it
      service.reset();
    }
  };

  // Runs `work` on every loop's thread and waits for all.
  Result<void> run_on_each(const std::function<Result<void>(Thread&)>& work);
  Result<void> set_up(Thread& thread);
  void route(Thread& here, AcceptedConnection connection, const Published<TlsServerContext>* tls);

  ServerOptions options_;
  ServiceFactory factory_;
  ConnectionLimits limits_;  // before the loops, whose posted work may hold permits
  std::vector<std::unique_ptr<Thread>> threads_;
};

Result<void> Server::Impl::start() {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const size_t count = options_.threads > 0 ? static_cast<size_t>(options_.threads) : cores;
  for (size_t i = 0; i < count; ++i) {
    auto thread = std::make_unique<Thread>();
    CS_TRY(thread->loop, Loop::create());
    threads_.push_back(std::move(thread));
  }
  for (const auto& thread : threads_) {
    thread->thread = std::thread([&thread = *thread] { thread.run(); });
  }
  CS_CHECK(run_on_each([this](Thread& thread) { return set_up(thread); }));
  // Only when all are set up: from then on any loop may hand a connection to any other.
  return run_on_each([this](Thread& thread) -> Result<void> {
    for (const ServerEndpoint& endpoint : options_.endpoints) {
      CS_CHECK(thread.server->listen(endpoint));
    }
    return {};
  });
}

Result<void> Server::Impl::run_on_each(const std::function<Result<void>(Thread&)>& work) {
  std::vector<std::future<Result<void>>> results;
  for (const auto& thread : threads_) {
    std::promise<Result<void>> promise;
    results.push_back(promise.get_future());
    thread->loop->post([&work, &thread = *thread, promise = std::move(promise)]() mutable {
      promise.set_value(work(thread));
    });
  }
  Result<void> all;
  for (auto& result : results) {
    if (auto one = result.get(); !one && all) all = std::move(one);
  }
  return all;
}

Result<void> Server::Impl::set_up(Thread& thread) {
  CS_TRY(thread.service, factory_(*thread.loop));
  thread.server =
      std::make_unique<LoopServer>(*thread.loop, *thread.service, limits_, options_.serving);
  thread.load = thread.server->load();
  thread.server->set_route(
      [this, &thread](AcceptedConnection connection, const Published<TlsServerContext>* tls) {
        route(thread, std::move(connection), tls);
      });
  return {};
}

// The kernel gives most connections to the loop that happens to be awake. They live long, so each
// is taken to the loop that has fewest.
void Server::Impl::route(Thread& here, AcceptedConnection connection,
                         const Published<TlsServerContext>* tls) {
  Thread* target = &here;
  for (const auto& thread : threads_) {
    if (thread->load->load() < target->load->load()) target = thread.get();
  }
  connection.load = Counted(target->load);
  if (target == &here) return here.server->serve(std::move(connection), tls);
  target->loop->post([target, tls, moved = std::move(connection)]() mutable {
    if (target->server) target->server->serve(std::move(moved), tls);
  });
}

void Server::Impl::drain(BootClock::duration patience) {
  for (const auto& thread : threads_) {
    thread->loop->post([&thread = *thread, patience] {
      thread.server->drain(thread.loop->now() + patience, [&thread] { thread.loop->stop(); });
    });
  }
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, ServiceFactory factory) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(factory));
  CS_CHECK(impl->start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
void Server::drain(BootClock::duration patience) {
  impl_->drain(patience);
}
void Server::join() {
  impl_->join();
}
void Server::on_each_loop(std::function<void(Loop&)> work) {
  impl_->on_each_loop(work);
}
void Server::close_connections(const Loop& loop,
                               const std::function<bool(const http::PeerInfo&)>& which) {
  impl_->close_connections(loop, which);
}
size_t Server::threads() const {
  return impl_->threads();
}
size_t Server::connections() const {
  return impl_->connections();
}

}  // namespace countersign::net
