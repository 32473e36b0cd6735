#include "net/client_pool.h"

#include <gtest/gtest.h>

#include "net/loop_server.h"
#include "support/net_pki.h"
#include "support/net_sockets.h"
#include "support/temporary_folder.h"

namespace countersign::net {
namespace {

using std::chrono::milliseconds;
using testing::make_loop;
using testing::NetPki;

// Answers with what it knows of the connection.
class EchoService final : public http::Service {
 public:
  Task<void> serve(http::Exchange& exchange) override {
    const std::string target(exchange.request().target);
    if (target == "/close") exchange.close_after_response();
    const auto* peer = exchange.peer().certificate;
    const std::string body = target + " " + (peer ? peer->certificate().subject : "nobody") + " " +
                             exchange.peer().address.to_string();
    static_cast<void>(co_await http::respond(exchange, 200, "text/plain", body));
  }
};

// A server and a pool on one loop.
class ClientPoolTest : public ::testing::Test {
 protected:
  ClientPoolTest() { tls_.publish(pki_.server()); }

  void serve(bool tls) {
    socket_ = testing::must(ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")}));
    server_ = std::make_unique<LoopServer>(*loop_, service_, limits_, serving_);
    ASSERT_TRUE(server_->listen({socket_, tls ? &tls_ : nullptr}));
  }
  ClientPoolOptions options() {
    ClientPoolOptions options;
    options.host = "127.0.0.1";
    options.port = socket_->bound().port;
    return options;
  }
  Result<http::SimpleResponse> get(http::Client& client, const std::string& target = "/") {
    http::SimpleRequest request;
    request.target = target;
    return loop_->run_until_done(http::fetch(client, std::move(request), BootTime::max()));
  }
  Result<std::unique_ptr<http::ClientExchange>> open(ClientPool& pool,
                                                     http::OpenOptions options = {}) {
    return loop_->run_until_done(pool.open(options));
  }
  // The client's address as the server saw it: tells connections apart.
  std::string connection_of(http::Client& client) {
    const auto response = get(client);
    if (!response) return response.error().for_log();
    return response->body.substr(response->body.rfind(' ') + 1);
  }

  std::unique_ptr<Loop> loop_ = make_loop();
  SystemClock clock_;
  Resolver resolver_{clock_, {}};
  NetPki pki_;
  Published<TlsServerContext> tls_;
  Published<TlsClientContext> client_tls_;
  EchoService service_;
  ConnectionLimits limits_{{}};
  ServingOptions serving_;
  std::shared_ptr<const ListeningSocket> socket_;
  std::unique_ptr<LoopServer> server_;
};

TEST_F(ClientPoolTest, UsesOneConnectionForOneRequestAfterTheOther) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options());
  const std::string first = connection_of(pool);
  EXPECT_EQ(connection_of(pool), first);
  EXPECT_EQ(connection_of(pool), first);
  EXPECT_EQ(pool.connections(), 1u);
  EXPECT_EQ(pool.idle_connections(), 1u);
}

TEST_F(ClientPoolTest, UsesTheConnectionThatWasUsedLast) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options());
  std::vector<std::unique_ptr<http::ClientExchange>> exchanges;
  for (int i = 0; i < 3; ++i) {
    exchanges.push_back(testing::must(open(pool)));
    EXPECT_FALSE(exchanges.back()->reused_connection());
    exchanges.back()->begin_request("GET", "/" + std::to_string(i), {});
    ASSERT_TRUE(loop_->run_until_done(exchanges.back()->send({}, true)));
    ASSERT_TRUE(loop_->run_until_done(exchanges.back()->read_head()));
    while (!testing::must(loop_->run_until_done(exchanges.back()->read_body())).empty()) {
    }
  }
  EXPECT_EQ(pool.connections(), 3u);
  const auto* last = &exchanges[1]->peer();
  exchanges[0].reset();
  exchanges[2].reset();
  exchanges[1].reset();
  EXPECT_EQ(pool.idle_connections(), 3u);
  const auto next = testing::must(open(pool));
  EXPECT_EQ(&next->peer(), last);
  EXPECT_TRUE(next->reused_connection());
}

TEST_F(ClientPoolTest, DoesNotReuseWhatTheServerHasClosed) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options());
  const std::string first = connection_of(pool);
  server_.reset();  // closes its connections
  server_ = std::make_unique<LoopServer>(*loop_, service_, limits_, serving_);
  ASSERT_TRUE(server_->listen({socket_, nullptr}));
  loop_->turn(false);
  const auto exchange = testing::must(open(pool));
  EXPECT_FALSE(exchange->reused_connection());
}

TEST_F(ClientPoolTest, DoesNotReuseWhatTheServerSaidItWouldClose) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options());
  ASSERT_TRUE(get(pool, "/close"));
  EXPECT_EQ(pool.connections(), 0u);
}

TEST_F(ClientPoolTest, GivesAFreshConnectionToThoseWhoAsk) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options());
  ASSERT_TRUE(get(pool));
  const auto exchange = testing::must(open(pool, {.fresh_connection = true}));
  EXPECT_FALSE(exchange->reused_connection());
  EXPECT_EQ(pool.connections(), 2u);
}

TEST_F(ClientPoolTest, KeepsNoMoreThanItsMaximum) {
  serve(false);
  auto limited = options();
  limited.connections_max = 1;
  ClientPool pool(*loop_, resolver_, limited);
  auto exchange = testing::must(open(pool));
  EXPECT_EQ(open(pool).error().code, "net.too_many_connections");
  exchange.reset();
  EXPECT_EQ(pool.connections(), 0u);  // it was not used: not complete
  ASSERT_TRUE(get(pool));
  EXPECT_TRUE(open(pool, {.fresh_connection = true}));  // the idle one made room
}

TEST_F(ClientPoolTest, ClosesIdleConnectionsAfterTheirTime) {
  serve(false);
  auto impatient = options();
  impatient.idle_timeout = milliseconds(1);
  ClientPool pool(*loop_, resolver_, impatient);
  ASSERT_TRUE(get(pool));
  EXPECT_EQ(pool.idle_connections(), 1u);
  testing::turn_until(*loop_, [&] { return pool.connections() == 0; });
}

TEST_F(ClientPoolTest, AnOpenMayBeGivenUp) {
  serve(true);
  client_tls_.publish(pki_.client());
  ClientPool pool(*loop_, resolver_, options(), &client_tls_);
  {
    auto opening = pool.open({});
    opening.start();
    loop_->turn(true);
    EXPECT_EQ(pool.connections(), 1u);
  }
  EXPECT_EQ(pool.connections(), 0u);
}

TEST_F(ClientPoolTest, ShowsItsCertificateAndChecksTheServers) {
  serve(true);
  auto client_options = pki_.client_options();
  client_options.server_name = "127.0.0.1";
  client_tls_.publish(testing::must(TlsClientContext::create(client_options)));
  ClientPool pool(*loop_, resolver_, options(), &client_tls_);
  const auto response = get(pool);
  ASSERT_TRUE(response) << response.error().for_log();
  EXPECT_TRUE(response->body.starts_with("/ CN=backend ")) << response->body;
}

TEST_F(ClientPoolTest, ANewContextDrainsTheOldConnections) {
  serve(true);
  client_tls_.publish(pki_.client());
  ClientPool pool(*loop_, resolver_, options(), &client_tls_);
  const std::string first = connection_of(pool);
  auto busy = testing::must(open(pool));
  EXPECT_TRUE(busy->reused_connection());
  client_tls_.publish(pki_.client());
  const std::string second = connection_of(pool);
  EXPECT_NE(second, first);
  EXPECT_EQ(pool.connections(), 2u);
  busy->begin_request("GET", "/", {});
  ASSERT_TRUE(loop_->run_until_done(busy->send({}, true)));
  ASSERT_TRUE(loop_->run_until_done(busy->read_head()));
  while (!testing::must(loop_->run_until_done(busy->read_body())).empty()) {
  }
  busy.reset();  // complete, and yet not kept
  EXPECT_EQ(pool.connections(), 1u);
  EXPECT_EQ(connection_of(pool), second);
  // Idle connections of an old context go without anyone asking for a new one.
  client_tls_.publish(pki_.client());
  testing::turn_until(*loop_, [&] { return pool.connections() == 0; });
}

TEST_F(ClientPoolTest, NeverFallsBackToPlainHttp) {
  serve(false);
  ClientPool pool(*loop_, resolver_, options(), &client_tls_);
  EXPECT_EQ(open(pool).error().code, "net.tls_failed");
  client_tls_.publish(pki_.client());
  EXPECT_EQ(open(pool).error().code, "net.tls_failed");
  EXPECT_EQ(pool.connections(), 0u);
}

TEST_F(ClientPoolTest, SaysWhyItCannotConnect) {
  serve(false);
  auto nobody = options();
  socket_.reset();
  server_.reset();
  ClientPool refused(*loop_, resolver_, nobody);
  EXPECT_EQ(open(refused).error().code, "net.connect_failed");
  nobody.host = "no-such-host.invalid";
  ClientPool unknown(*loop_, resolver_, nobody);
  EXPECT_EQ(open(unknown).error().code, "net.resolve_failed");
}

TEST_F(ClientPoolTest, TriesAllAddressesInOrder) {
  serve(false);
  Resolver several(clock_, {.look_up = [](const std::string&) -> Result<Addresses> {
                     return Addresses{*IpAddress::parse("127.0.0.9"),
                                      *IpAddress::parse("127.0.0.1")};
                   }});
  auto named = options();
  named.host = "upstream.test";
  ClientPool pool(*loop_, several, named);
  const auto response = get(pool);
  ASSERT_TRUE(response) << response.error().for_log();
}

TEST_F(ClientPoolTest, ASilentServerIsGivenUpInTime) {
  // Listens, but never accepts: the handshake has no answer.
  socket_ = testing::must(ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")}));
  client_tls_.publish(pki_.client());
  auto impatient = options();
  impatient.connect_timeout = milliseconds(1);
  ClientPool pool(*loop_, resolver_, impatient, &client_tls_);
  EXPECT_EQ(open(pool).error().code, "http.upstream_timeout");
  EXPECT_EQ(pool.connections(), 0u);
}

TEST_F(ClientPoolTest, ConnectsToUnixSockets) {
  const testing::TemporaryFolder folder;
  socket_ = testing::must(ListeningSocket::create({.unix_path = folder / "socket"}));
  server_ = std::make_unique<LoopServer>(*loop_, service_, limits_, serving_);
  ASSERT_TRUE(server_->listen({socket_, nullptr}));
  ClientPoolOptions by_path;
  by_path.unix_path = folder / "socket";
  ClientPool pool(*loop_, resolver_, by_path);
  ASSERT_TRUE(get(pool));
}

}  // namespace
}  // namespace countersign::net
