// Connections through a balancer: who is believed, what a connection may begin with, and whom it is
// counted for. And limits that are looked at when a connection is made.

#include <gtest/gtest.h>

#include "net/loop_server.h"
#include "net/socket_stream.h"
#include "support/net_pki.h"
#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using testing::make_loop;

// Tells who asks.
class WhoAmI final : public http::Service {
 public:
  Task<void> serve(http::Exchange& exchange) override {
    static_cast<void>(
        co_await http::respond(exchange, 200, "text/plain", exchange.peer().address.to_string()));
  }
};

class ProxiedConnection : public ::testing::Test {
 protected:
  void serve(std::vector<Network> balancers) {
    ListenOptions options{.address = Endpoint::parse("127.0.0.1:0").value()};
    options.proxy_protocol_from = std::move(balancers);
    socket_ = testing::must(ListeningSocket::create(options));
    server_ = std::make_unique<LoopServer>(*loop_, service_, limits_, serving_);
    serving_.on_handshake_failed = [this](const Endpoint&, const Error& error) {
      refusals_.push_back(error.code);
    };
    ASSERT_TRUE(server_->listen({socket_, nullptr}));
  }
  // What comes back on a new connection that sends this and closes its side; "" if it is closed.
  std::string ask(std::string_view bytes) {
    const auto stream = connect();
    loop_->run_until_done(testing::write_bytes(*stream, std::string(bytes)));
    return loop_->run_until_done(testing::read_bytes(*stream, 10'000));
  }
  std::unique_ptr<SocketStream> connect() {
    return testing::must(
        loop_->run_until_done(connect_tcp(*loop_, socket_->bound(), BootTime::max())));
  }
  static Network network(std::string_view text) { return Network::parse(text).value(); }

  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  // 192.0.2.7:40000, over v4.
  const std::string header = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                             std::string("\xC0\x00\x02\x07\x7F\x00\x00\x01\x9C\x40\x01\xBB", 12);
  const std::string local_header = std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

  std::unique_ptr<Loop> loop_ = make_loop();
  WhoAmI service_;
  ConnectionLimits limits_{{.per_address_max = 2}};
  ServingOptions serving_;
  std::vector<std::string> refusals_;
  std::shared_ptr<const ListeningSocket> socket_;
  std::unique_ptr<LoopServer> server_;
};

TEST_F(ProxiedConnection, AListedBalancerSaysWhoIsBehindIt) {
  serve({network("127.0.0.0/8")});
  EXPECT_TRUE(ask(header + request).ends_with("192.0.2.7:40000"));
  EXPECT_TRUE(ask(local_header + request).find("127.0.0.1:") != std::string::npos);
}

TEST_F(ProxiedConnection, AHeaderInPiecesIsWaitedFor) {
  serve({network("127.0.0.1")});
  const auto stream = connect();
  for (const char& c : header) {
    loop_->run_until_done(testing::write_bytes(*stream, std::string(1, c)));
    loop_->turn(false);
  }
  loop_->run_until_done(testing::write_bytes(*stream, request));
  EXPECT_TRUE(
      loop_->run_until_done(testing::read_bytes(*stream, 10'000)).ends_with("192.0.2.7:40000"));
}

TEST_F(ProxiedConnection, AListedBalancerWithoutAHeaderIsNotServed) {
  serve({network("127.0.0.1")});
  EXPECT_EQ(ask(request), "");
  EXPECT_EQ(ask("PROXY TCP4 192.0.2.7 127.0.0.1 40000 443\r\n" + request), "");
  EXPECT_EQ(refusals_.size(), 2u);
}

// reliability A2.62: whoever is not listed cannot say where it comes from.
TEST_F(ProxiedConnection, WhoIsNotListedCannotSpeakForAnother) {
  serve({network("10.0.0.0/8")});
  EXPECT_TRUE(ask(request).find("127.0.0.1:") != std::string::npos);
  const std::string answer = ask(header + request);
  EXPECT_EQ(answer.find("192.0.2.7"), std::string::npos) << answer;
  EXPECT_EQ(answer.find(" 200 "), std::string::npos) << answer;
}

TEST_F(ProxiedConnection, IsCountedForTheClientAndNotForTheBalancer) {
  serve({network("127.0.0.1")});
  std::vector<std::unique_ptr<SocketStream>> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(connect());
    loop_->run_until_done(testing::write_bytes(*open.back(), header));
  }
  testing::turn_until(*loop_, [&] { return server_->load()->load() == 2; });
  EXPECT_EQ(ask(header + request), "") << "the client's third";
  EXPECT_TRUE(ask(local_header + request).find("200 OK") != std::string::npos);
}

TEST(ConnectionLimits, BoundsHandshakesOfASecond) {
  ConnectionLimits limits({.handshakes_per_second = 2});
  const BootTime start{std::chrono::hours(1)};
  EXPECT_TRUE(limits.admit_handshake(start));
  EXPECT_TRUE(limits.admit_handshake(start));
  EXPECT_FALSE(limits.admit_handshake(start));
  EXPECT_EQ(limits.handshakes(), 0u);
  EXPECT_TRUE(limits.admit_handshake(start + std::chrono::milliseconds(500)));
  EXPECT_FALSE(limits.admit_handshake(start + std::chrono::milliseconds(500)));
}

TEST(ConnectionLimits, AnUnnamedConnectionIsNamedOnce) {
  ConnectionLimits limits({.connections_max = 3, .per_address_max = 1});
  const auto address = IpAddress::parse("192.0.2.1").value();
  auto one = limits.admit_unnamed();
  auto two = limits.admit_unnamed();
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(one->name(address));
  EXPECT_FALSE(two->name(address));
  EXPECT_EQ(limits.connections(), 2u);
  two.reset();
  one.reset();
  EXPECT_EQ(limits.connections(), 0u);
  EXPECT_TRUE(limits.admit(address));
}

}  // namespace
}  // namespace countersign::net
