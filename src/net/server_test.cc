#include "net/server.h"

#include <future>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "net/client_pool.h"
#include "support/net_pki.h"
#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::make_loop;
using testing::NetPki;

// "/": answers at once. "/wait": answers when it is told to. "/stuck": never answers.
class GatedService final : public http::Service {
 public:
  explicit GatedService(Loop& loop) : gate_(loop), never_(loop) {}
  Task<void> serve(http::Exchange& exchange) override {
    ++*waiting;
    if (exchange.request().target == "/wait") co_await gate_.wait();
    if (exchange.request().target == "/stuck") co_await never_.wait();
    --*waiting;
    static_cast<void>(co_await http::respond(exchange, 200, "text/plain", "done"));
  }
  void open() { gate_.set(); }
  std::shared_ptr<int> waiting = std::make_shared<int>(0);

 private:
  Event gate_, never_;
};

class LoopServerTest : public ::testing::Test {
 protected:
  void serve(const Published<TlsServerContext>* tls = nullptr) {
    socket_ = testing::must(ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")}));
    server_ = std::make_unique<LoopServer>(*loop_, service_, limits_, serving_);
    ASSERT_TRUE(server_->listen({socket_, tls}));
  }
  std::unique_ptr<SocketStream> connect() {
    return testing::must(
        loop_->run_until_done(connect_tcp(*loop_, socket_->bound(), BootTime::max())));
  }
  std::string ask(SocketStream& stream, const std::string& target, size_t bytes) {
    loop_->run_until_done(
        testing::write_bytes(stream, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    return loop_->run_until_done(testing::read_bytes(stream, bytes));
  }
  size_t connections() const { return server_->load()->load(); }
  http::IoStatus end_of(SocketStream& stream) {
    return loop_->run_until_done(testing::read_to_end(stream));
  }

  std::unique_ptr<Loop> loop_ = make_loop();
  GatedService service_{*loop_};
  ConnectionLimits limits_{{}};
  ServingOptions serving_;
  std::shared_ptr<const ListeningSocket> socket_;
  std::unique_ptr<LoopServer> server_;
  bool drained_ = false;
};

TEST_F(LoopServerTest, ServesAndCountsConnections) {
  serve();
  const auto one = connect();
  auto two = connect();
  EXPECT_EQ(ask(*one, "/", 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(ask(*two, "/", 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(connections(), 2u);
  two.reset();
  testing::turn_until(*loop_, [&] { return connections() == 1; });
  EXPECT_EQ(limits_.connections(), 1u);
}

TEST_F(LoopServerTest, DrainClosesIdleConnectionsAndLetsBusyOnesFinish) {
  serve();
  const auto idle = connect();
  const auto busy = connect();
  EXPECT_EQ(ask(*idle, "/", 15), "HTTP/1.1 200 OK");
  loop_->run_until_done(testing::write_bytes(*busy, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
  testing::turn_until(*loop_, [&] { return *service_.waiting == 1; });
  server_->drain(loop_->now() + std::chrono::hours(1), [&] { drained_ = true; });
  EXPECT_FALSE(drained_);
  end_of(*idle);
  EXPECT_FALSE(drained_);
  service_.open();
  const std::string answer = loop_->run_until_done(testing::read_bytes(*busy, 10'000));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
  EXPECT_TRUE(answer.ends_with("done")) << answer;
  testing::turn_until(*loop_, [&] { return drained_; });
  EXPECT_EQ(connections(), 0u);
}

TEST_F(LoopServerTest, DrainAcceptsNothingMore) {
  serve();
  server_->drain(BootTime::max(), [&] { drained_ = true; });
  testing::turn_until(*loop_, [&] { return drained_; });
  const auto late = connect();  // the kernel's backlog takes it
  loop_->turn(false);
  EXPECT_EQ(connections(), 0u);
}

TEST_F(LoopServerTest, DrainCutsOffWhatIsLeftAtItsDeadline) {
  serve();
  const auto stuck = connect();
  loop_->run_until_done(testing::write_bytes(*stuck, "GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n"));
  testing::turn_until(*loop_, [&] { return *service_.waiting == 1; });
  server_->drain(loop_->now() + std::chrono::hours(1), [&] { drained_ = true; });
  server_->drain(loop_->now(), [] { FAIL() << "the first one counts"; });
  testing::turn_until(*loop_, [&] { return drained_; });
  EXPECT_EQ(connections(), 0u);
}

TEST_F(LoopServerTest, MayBeDestroyedWithRequestsUnderWay) {
  serve();
  const auto busy = connect();
  loop_->run_until_done(testing::write_bytes(*busy, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
  testing::turn_until(*loop_, [&] { return *service_.waiting == 1; });
  server_.reset();
  EXPECT_EQ(limits_.connections(), 0u);
  end_of(*busy);
}

TEST_F(LoopServerTest, AStalledHandshakeIsGivenUpAndTold) {
  NetPki pki;
  Published<TlsServerContext> tls(pki.server());
  std::vector<std::string> failures;
  serving_.handshake_timeout = milliseconds(1);
  serving_.on_handshake_failed = [&](const Endpoint&, const Error& error) {
    failures.push_back(error.code);
  };
  serve(&tls);
  const auto silent = connect();
  testing::turn_until(*loop_, [&] { return !failures.empty(); });
  EXPECT_EQ(failures.front(), "net.tls_timeout");
  end_of(*silent);
  EXPECT_EQ(limits_.handshakes(), 0u);
}

TEST_F(LoopServerTest, WithoutAContextTlsConnectionsAreClosed) {
  Published<TlsServerContext> none;
  serve(&none);
  const auto stream = connect();
  end_of(*stream);
  EXPECT_EQ(connections(), 0u);
}

class AnswerService final : public http::Service {
 public:
  explicit AnswerService(std::shared_ptr<std::atomic<int>> alive) : alive_(std::move(alive)) {
    ++*alive_;
  }
  ~AnswerService() override { --*alive_; }
  Task<void> serve(http::Exchange& exchange) override {
    const auto id = std::hash<std::thread::id>()(std::this_thread::get_id());
    static_cast<void>(co_await http::respond(exchange, 200, "text/plain", std::to_string(id)));
  }

 private:
  std::shared_ptr<std::atomic<int>> alive_;
};

class ServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Server> start(int threads, const Published<TlsServerContext>* tls = nullptr) {
    socket_ = testing::must(ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")}));
    ServerOptions options;
    options.endpoints = {{socket_, tls}};
    options.threads = threads;
    return testing::must(Server::start(std::move(options), [this](Loop&) {
      return Result<std::unique_ptr<http::Service>>(std::make_unique<AnswerService>(services_));
    }));
  }
  std::unique_ptr<ClientPool> pool(const Published<TlsClientContext>* tls = nullptr) {
    ClientPoolOptions options;
    options.host = "127.0.0.1";
    options.port = socket_->bound().port;
    return std::make_unique<ClientPool>(*loop_, resolver_, options, tls);
  }
  Result<http::SimpleResponse> get(http::Client& client) {
    http::SimpleRequest request;
    request.target = "/";
    return loop_->run_until_done(http::fetch(client, std::move(request), BootTime::max()));
  }
  std::shared_ptr<std::atomic<int>> services_ = std::make_shared<std::atomic<int>>(0);
  std::unique_ptr<Loop> loop_ = make_loop();
  SystemClock clock_;
  Resolver resolver_{clock_, {}};
  std::shared_ptr<const ListeningSocket> socket_;
};

TEST_F(ServerTest, SpreadsConnectionsOverItsThreads) {
  const auto server = start(3);
  EXPECT_EQ(server->threads(), 3u);
  EXPECT_EQ(*services_, 3);
  const auto client = pool();
  std::set<std::string> threads;
  std::vector<std::unique_ptr<http::ClientExchange>> held;
  for (int i = 0; i < 9; ++i) {
    held.push_back(testing::must(loop_->run_until_done(client->open({.fresh_connection = true}))));
    held.back()->begin_request("GET", "/", {});
    ASSERT_TRUE(loop_->run_until_done(held.back()->send({}, true)));
    ASSERT_TRUE(loop_->run_until_done(held.back()->read_head()));
    threads.emplace(testing::must(loop_->run_until_done(held.back()->read_body())));
  }
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_EQ(server->connections(), 9u);
}

TEST_F(ServerTest, DrainsWithTlsAndDestroysItsServicesOnTheirThreads) {
  NetPki pki;
  Published<TlsServerContext> tls(pki.server());
  auto client_options = pki.client_options();
  client_options.server_name = "127.0.0.1";
  Published<TlsClientContext> client_tls(testing::must(TlsClientContext::create(client_options)));
  const auto server = start(2, &tls);
  const auto client = pool(&client_tls);
  for (int i = 0; i < 20; ++i) {
    tls.publish(pki.server());  // reloads under way lose nothing
    const auto response = get(*client);
    ASSERT_TRUE(response) << response.error().for_log();
  }
  server->drain(std::chrono::hours(1));
  server->join();
  EXPECT_EQ(*services_, 0);
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(ServerTest, RunsWorkOnEachOfItsLoops) {
  const auto server = start(2);
  std::atomic<int> ran = 0;
  std::promise<void> both;
  server->on_each_loop([&](Loop&) {
    if (++ran == 2) both.set_value();
  });
  both.get_future().wait();
}

TEST_F(ServerTest, StopsAtOnceWhenDestroyed) {
  auto server = start(2);
  const auto client = pool();
  ASSERT_TRUE(get(*client));
  server.reset();
  EXPECT_EQ(*services_, 0);
}

TEST_F(ServerTest, AServiceThatCannotBeMadeIsAnErrorOfTheStart) {
  std::atomic<int> calls = 0;
  ServerOptions options;
  options.threads = 2;
  const auto server =
      Server::start(std::move(options), [&](Loop&) -> Result<std::unique_ptr<http::Service>> {
        if (++calls == 2) return fail(ErrorKind::misconfigured, "test.broken", "cannot be made");
        return std::make_unique<AnswerService>(services_);
      });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, "test.broken");
  EXPECT_EQ(*services_, 0);
}

}  // namespace
}  // namespace countersign::net
