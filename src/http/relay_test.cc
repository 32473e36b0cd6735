#include "http/relay.h"

#include <gtest/gtest.h>

#include "core/ascii.h"
#include "http/client_connection.h"
#include "http/memory_stream.h"
#include "http/server_connection.h"
#include "support/raw_peer.h"
#include "support/test_executor.h"

namespace countersign::http {
namespace {

using std::chrono::seconds;
using testing::FakeClock;
using testing::RawPeer;
using testing::TestExecutor;

class DropSecret final : public RelayFields {
 public:
  bool passes(const Field& field) const override {
    return !ascii::equal_ignoring_case(field.name, "X-Secret");
  }
  void add(HeadWriter& writer) const override { writer.field("X-Added", "yes"); }
};

// Relays each request over one client connection; optionally sends it a second time when the answer
// is 401.
class RelayService final : public Service {
 public:
  RelayService(ClientConnection& upstream, Executor& executor)
      : upstream_(upstream), executor_(executor) {}
  Task<void> serve(Exchange& exchange) override {
    RelayBody body(exchange, 1024);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto up = upstream_.start(executor_.now() + seconds(10), [](bool) {});
      const auto head =
          co_await relay_request(exchange, body, *up, exchange.request().target, fields_);
      if (!head) {
        error = head.error().code;
        co_await respond(exchange, 502, "text/plain", error);
        co_return;
      }
      if ((*head)->status == 401 && body.can_rewind() && attempt == 0) {
        while (true) {
          const auto rest = co_await up->read_body();
          if (!rest || rest->empty()) break;
        }
        body.rewind();
        continue;
      }
      const auto sent = co_await relay_response(**head, *up, exchange, fields_);
      if (sent) bytes = *sent;
      if (!sent) error = sent.error().code;
      co_return;
    }
  }
  std::string error;
  uint64_t bytes = 0;

 private:
  ClientConnection& upstream_;
  Executor& executor_;
  DropSecret fields_;
};

class RelayTest : public ::testing::Test {
 protected:
  void start(size_t slice = SIZE_MAX, size_t capacity = 64 * 1024) {
    auto [front, client] =
        make_memory_streams(executor_, {.capacity_bytes = capacity, .slice_bytes = slice});
    auto [back, server] =
        make_memory_streams(executor_, {.capacity_bytes = capacity, .slice_bytes = slice});
    front_ = std::move(front);
    client_ = std::make_unique<RawPeer>(std::move(client), executor_);
    server_ = std::make_unique<RawPeer>(std::move(server), executor_);
    upstream_ = std::make_unique<ClientConnection>(std::move(back), "inner", ClientLimits{});
    service_ = std::make_unique<RelayService>(*upstream_, executor_);
    executor_.spawn(serve_connection(*front_, *service_, executor_, limits_, state_, status_));
  }

  FakeClock clock_;
  ServerLimits limits_;
  ServerState state_;
  ConnectionStatus status_;
  std::unique_ptr<ByteStream> front_;
  std::unique_ptr<ClientConnection> upstream_;
  std::unique_ptr<RelayService> service_;
  TestExecutor executor_{clock_};
  std::unique_ptr<RawPeer> client_;
  std::unique_ptr<RawPeer> server_;
};

TEST_F(RelayTest, PassesEndToEndFieldsAndDropsHopByHopOnes) {
  start();
  client_->write(
      "GET /a?b=c HTTP/1.1\r\nHost: outer\r\nX-Keep: 1\r\nX-Secret: 2\r\nConnection: "
      "x-hop\r\nX-Hop: 3\r\n"
      "Keep-Alive: 4\r\nTE: trailers\r\nProxy-Authorization: 5\r\nUpgrade: 6\r\n\r\n");
  EXPECT_EQ(server_->read(),
            "GET /a?b=c HTTP/1.1\r\nHost: inner\r\nX-Keep: 1\r\nX-Added: yes\r\n\r\n");
  server_->write(
      "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nKeep-Alive: 5\r\nX-Secret: s\r\nETag: "
      "e\r\n\r\nok");
  EXPECT_EQ(client_->read(),
            "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nETag: e\r\nX-Added: yes\r\nDate: Fri, 15 "
            "Jan 2027 08:00:00 GMT\r\n\r\nok");
}

// RFC 9110 §6.6.1: a Date is added where the upstream gave none, and kept where it did.
TEST_F(RelayTest, KeepsTheUpstreamsDate) {
  start();
  client_->write("GET / HTTP/1.1\r\nHost: o\r\n\r\n");
  server_->read();
  server_->write(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  EXPECT_EQ(client_->read(),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 "
            "GMT\r\nX-Added: yes\r\n\r\n");
}

TEST_F(RelayTest, StreamsLargeBodiesBothWaysThroughSmallBuffers) {
  start(SIZE_MAX, 2000);
  const std::string up(300'000, 'u');
  client_->write("POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 300000\r\n\r\n");
  std::string received;
  for (size_t at = 0; at < up.size(); at += 1000) {
    client_->write(up.substr(at, 1000));
    received += server_->read();
  }
  EXPECT_TRUE(received.ends_with(up));
  server_->write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string answer;
  for (int i = 0; i < 100; ++i) {
    server_->write("3e8\r\n" + std::string(1000, 'd') + "\r\n");
    answer += client_->read();
  }
  server_->write("0\r\n\r\n");
  answer += client_->read();
  EXPECT_TRUE(answer.ends_with("0\r\n\r\n"));
  EXPECT_EQ(service_->bytes, 100'000u);
}

TEST_F(RelayTest, HeadIsNotHeldBackByASlowBody) {
  start();
  client_->write("GET / HTTP/1.1\r\nHost: o\r\n\r\n");
  server_->read();
  server_->write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  EXPECT_TRUE(client_->read().starts_with("HTTP/1.1 200 OK\r\n"));
  server_->write("slow");
  EXPECT_EQ(client_->read(), "slow");
}

TEST_F(RelayTest, AnswerUntilCloseBecomesChunked) {
  start();
  client_->write("GET / HTTP/1.1\r\nHost: o\r\n\r\n");
  server_->read();
  server_->write("HTTP/1.1 200 OK\r\n\r\nabc");
  server_->finish_writing();
  const std::string answer = client_->read();
  EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("3\r\nabc\r\n0\r\n\r\n")) << answer;
}

TEST_F(RelayTest, BrokenOffAnswerIsBrokenOffForTheClientToo) {
  start();
  client_->write("GET / HTTP/1.1\r\nHost: o\r\n\r\n");
  server_->read();
  server_->write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  server_->finish_writing();
  EXPECT_FALSE(client_->read().ends_with("0\r\n\r\n"));
  EXPECT_TRUE(client_->ended());
  EXPECT_EQ(service_->error, "http.upstream_lost");
}

TEST_F(RelayTest, RequestWithAKeptBodyIsSentOnceMoreWhole) {
  start(5);
  client_->write("POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 11\r\n\r\nhello world");
  EXPECT_TRUE(server_->read().ends_with("hello world"));
  server_->write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(server_->read().ends_with("\r\n\r\nhello world"));
  server_->write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client_->read().starts_with("HTTP/1.1 200 OK"));
}

TEST_F(RelayTest, BodyTooLargeToKeepIsNotSentAgain) {
  start();
  client_->write("POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 2000\r\n\r\n" +
                 std::string(2000, 'x'));
  server_->read();
  server_->write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(server_->read(), "");
  EXPECT_TRUE(client_->read().starts_with("HTTP/1.1 401"));
}

TEST_F(RelayTest, ClientThatLeavesInTheMiddleOfItsBodyIsTheClientsFault) {
  start();
  client_->write("POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 10\r\n\r\nhal");
  client_->close();
  EXPECT_EQ(service_->error, "http.client_lost");
}

TEST_F(RelayTest, ChunkedRequestStaysChunked) {
  start();
  client_->write(
      "POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  const std::string request = server_->read();
  EXPECT_NE(request.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << request;
  EXPECT_TRUE(request.ends_with("2\r\nab\r\n0\r\n\r\n")) << request;
}

}  // namespace
}  // namespace countersign::http
