#include "http/server_connection.h"

#include <gtest/gtest.h>

#include "http/memory_stream.h"
#include "support/raw_peer.h"
#include "support/test_executor.h"

namespace countersign::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeClock;
using testing::RawPeer;
using testing::TestExecutor;

// Answers with what it was sent, by path: /echo (length), /chunked, /ignore (body unread), /silent
// (no answer), /large, /until-close.
class EchoService final : public Service {
 public:
  Task<void> serve(Exchange& exchange) override {
    ++requests;
    const std::string path(exchange.request().path);
    if (path == "/silent") co_return;
    if (path == "/ignore") {
      co_await respond(exchange, 200, "text/plain", "ignored");
      co_return;
    }
    auto body = co_await collect_body(exchange, 1 << 20);
    if (!body) {
      last_error = body.error().code;
      co_await respond(exchange, 400, "text/plain", body.error().code);
      co_return;
    }
    if (path == "/large") body->assign(300'000, 'x');
    if (path == "/chunked" || path == "/until-close") {
      exchange.begin_response(
          200, {path == "/chunked" ? BodyFraming::Kind::chunked : BodyFraming::Kind::until_close});
      for (const char& c : *body) co_await exchange.send({&c, 1}, false);
      co_await exchange.send({}, true);
      co_return;
    }
    if (path == "/short") {
      exchange.begin_response(200, BodyFraming::of_length(10));
      const auto sent = co_await exchange.send("short", true);
      if (!sent) last_error = sent.error().code;
      co_return;
    }
    co_await respond(exchange, 200, "text/plain", *body);
  }
  int requests = 0;
  std::string last_error;
};

class ServerConnectionTest : public ::testing::Test {
 protected:
  void start(size_t slice = SIZE_MAX, ServerLimits limits = {}, size_t capacity = 64 * 1024) {
    if (peer_) {  // a former connection of the same test ends first
      peer_->close();
      ASSERT_EQ(executor_.tasks_running(), 0u);
    }
    limits_ = limits;
    auto [server, client] =
        make_memory_streams(executor_, {.capacity_bytes = capacity, .slice_bytes = slice});
    stream_ = std::move(server);
    peer_ = std::make_unique<RawPeer>(std::move(client), executor_);
    executor_.spawn(serve_connection(*stream_, service_, executor_, limits_, state_, status_));
  }
  std::string ask(std::string_view request) {
    peer_->write(request);
    return peer_->read();
  }

  FakeClock clock_;
  ServerLimits limits_;
  ServerState state_;
  ConnectionStatus status_;
  EchoService service_;
  std::unique_ptr<ByteStream> stream_;
  TestExecutor executor_{clock_};
  std::unique_ptr<RawPeer> peer_;
};

constexpr std::string_view get_echo = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(ServerConnectionTest, AnswersSeveralRequestsOnOneConnection) {
  start();
  for (int i = 0; i < 3; ++i) {
    const std::string answer =
        ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
    EXPECT_TRUE(status_.idle);
  }
  EXPECT_FALSE(peer_->ended());
}

// RFC 9110 §6.6.1.
TEST_F(ServerConnectionTest, DatesItsOwnAnswersAndRefusals) {
  start();
  constexpr std::string_view date = "\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n";
  const std::string answer = ask("GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(answer.find(date), std::string::npos) << answer;
  const std::string refusal = ask("GET /ignore HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 400 ")) << refusal;
  EXPECT_NE(refusal.find(date), std::string::npos) << refusal;
}

TEST_F(ServerConnectionTest, AnswersPipelinedRequestsInOrderHoweverTheyAreSliced) {
  const std::string requests =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
      "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
      "GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour";
  for (const size_t slice :
       {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{50}, size_t{100'000}}) {
    start(slice);
    const std::string answers = ask(requests);
    const size_t one = answers.find("one");
    const size_t two = answers.find("1\r\nt\r\n1\r\nw\r\n1\r\no\r\n0\r\n\r\n");
    const size_t three = answers.find("ignored");
    ASSERT_NE(two, std::string::npos) << answers;
    EXPECT_LT(one, two);
    EXPECT_LT(two, three);
    EXPECT_TRUE(answers.ends_with("four")) << slice;
  }
}

TEST_F(ServerConnectionTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  start();
  EXPECT_EQ(
      ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(ask("ok").ends_with("\r\n\r\nok"));
  const std::string refused =
      ask("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 200")) << refused;
  EXPECT_NE(refused.find("Connection: close\r\n"), std::string::npos) << refused;
}

TEST_F(ServerConnectionTest, HeadAnnouncesTheLengthAndSendsNoBody) {
  start();
  const std::string answer = ask("HEAD /ignore HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 7\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_TRUE(ask(get_echo).starts_with("HTTP/1.1 200"));
}

TEST_F(ServerConnectionTest, MalformedRequestIsAnsweredAndClosesTheConnection) {
  start();
  const std::string answer =
      ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
          "chunked\r\n\r\n0\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
  EXPECT_TRUE(peer_->ended());
  EXPECT_EQ(service_.requests, 0);
}

TEST_F(ServerConnectionTest, HeadOverTheLimitIsRefusedWith431) {
  start();
  const std::string answer = ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x'));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431")) << answer;
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, BrokenChunkIsAnErrorOfTheBodyAndClosesTheConnection) {
  start();
  const std::string answer =
      ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
  EXPECT_EQ(service_.last_error, "http.client_bad_chunk");
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, BodyOverTheLimitIsRefused) {
  start(SIZE_MAX, {.body_bytes_max = 4});
  ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(service_.last_error, "http.client_body_too_large");
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, HttpOnePointZeroClosesUnlessAskedToKeep) {
  start();
  EXPECT_NE(ask("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                .find("Connection: keep-alive\r\n"),
            std::string::npos);
  EXPECT_NE(ask("GET /echo HTTP/1.0\r\n\r\n").find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, ChunkedAnswerToHttpOnePointZeroEndsWithTheConnection) {
  start();
  const std::string answer = ask("POST /chunked HTTP/1.0\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(answer.find("chunked"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nab")) << answer;
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, SlowHeadIsRefusedWith408) {
  start();
  peer_->write("GET / HT");
  executor_.advance(seconds(9));
  EXPECT_EQ(peer_->read(), "");
  peer_->write("TP/1.1\r\nHo");  // progress does not extend the time for a head
  executor_.advance(seconds(2));
  EXPECT_TRUE(peer_->read().starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, SlowBodyTimesOut) {
  start();
  peer_->write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  executor_.advance(seconds(31));
  EXPECT_EQ(service_.last_error, "http.client_timeout");
  peer_->read();
  executor_.advance(seconds(3));  // the lingering close
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, DrippedBodyEndsWithTheWholeExchange) {
  start(SIZE_MAX, {.body_timeout = seconds(30), .exchange_timeout = seconds(60)});
  peer_->write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 4; ++i) {
    executor_.advance(seconds(20));
    peer_->write("x");
  }
  EXPECT_EQ(service_.last_error, "http.client_timeout");
}

TEST_F(ServerConnectionTest, IdleConnectionIsClosedSilently) {
  start();
  ask(get_echo);
  executor_.advance(seconds(76));
  EXPECT_EQ(peer_->read(), "");
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, ServiceThatDoesNotAnswerEndsTheConnection) {
  start();
  EXPECT_EQ(ask("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, AnswerShorterThanAnnouncedIsNeverCompleted) {
  start();
  const std::string answer = ask("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(service_.last_error, "http.wrong_body_length");
  EXPECT_EQ(answer, "");
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, DrainingAnswersTheRequestAndCloses) {
  start();
  peer_->write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
  state_.draining = true;
  EXPECT_TRUE(ask("b").ends_with("ab"));
  EXPECT_TRUE(peer_->ended());
}

TEST_F(ServerConnectionTest, UnreadSmallBodyIsDroppedAndTheConnectionKept) {
  start();
  ask("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(ask(get_echo).starts_with("HTTP/1.1 200"));
}

TEST_F(ServerConnectionTest, PeerThatDoesNotReadStopsTheAnswerAndTimesOut) {
  start(SIZE_MAX, {}, 1024);
  peer_->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  executor_.advance(milliseconds(1));
  EXPECT_FALSE(status_.idle);
  executor_.advance(seconds(31));
  peer_->read();
  EXPECT_TRUE(peer_->ended());
  EXPECT_EQ(executor_.tasks_running(), 0u);
}

TEST_F(ServerConnectionTest, ManyRequestsLimitClosesWithNotice) {
  start(SIZE_MAX, {.requests_max = 2});
  EXPECT_EQ(ask(get_echo).find("Connection: close"), std::string::npos);
  EXPECT_NE(ask(get_echo).find("Connection: close"), std::string::npos);
  EXPECT_TRUE(peer_->ended());
}

}  // namespace
}  // namespace countersign::http
