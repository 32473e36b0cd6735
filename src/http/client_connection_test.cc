#include "http/client_connection.h"

#include <optional>

#include <gtest/gtest.h>

#include "http/memory_stream.h"
#include "support/raw_peer.h"
#include "support/test_executor.h"

namespace countersign::http {
namespace {

using std::chrono::seconds;
using testing::FakeClock;
using testing::RawPeer;
using testing::TestExecutor;

class ClientConnectionTest : public ::testing::Test {
 protected:
  void connect(size_t slice = SIZE_MAX, size_t capacity = 64 * 1024) {
    auto [client, server] =
        make_memory_streams(executor_, {.capacity_bytes = capacity, .slice_bytes = slice});
    peer_ = std::make_unique<RawPeer>(std::move(server), executor_);
    connection_ =
        std::make_unique<ClientConnection>(std::move(client), "api.example", ClientLimits{});
  }
  void open(std::string_view method = "GET", BodyFraming framing = {}) {
    finished_.reset();
    exchange_ = connection_->start(executor_.now() + seconds(10),
                                   [this](bool reusable) { finished_ = reusable; });
    exchange_->begin_request(method, "/v1/payments", framing);
  }
  // Reads head and body; the body stays in body_, an error in error_.
  Task<void> read_answer() {
    const auto head = co_await exchange_->read_head();
    if (!head) {
      error_ = head.error().code;
      co_return;
    }
    status_ = (*head)->status;
    for (;;) {
      const auto piece = co_await exchange_->read_body();
      if (!piece) {
        error_ = piece.error().code;
        co_return;
      }
      if (piece->empty()) break;
      body_ += *piece;
    }
    complete_ = true;
  }
  Task<void> send(std::string piece, bool last) {
    const auto sent = co_await exchange_->send(piece, last);
    if (!sent) error_ = sent.error().code;
    sent_ = true;
  }
  void ask_and_answer(std::string_view answer) {
    executor_.spawn(send("", true));
    request_ = peer_->read();
    executor_.spawn(read_answer());
    peer_->write(answer);
  }

  FakeClock clock_;
  TestExecutor executor_{clock_};
  std::unique_ptr<RawPeer> peer_;
  std::unique_ptr<ClientConnection> connection_;
  std::unique_ptr<ClientExchange> exchange_;
  std::optional<bool> finished_;
  std::string request_;
  std::string body_;
  std::string error_;
  int status_ = 0;
  bool complete_ = false;
  bool sent_ = false;
};

TEST_F(ClientConnectionTest, SendsHostAndReadsAnAnswerByLengthHoweverItIsSliced) {
  for (const size_t slice : {size_t{1}, size_t{3}, size_t{1000}}) {
    connect(slice);
    body_.clear();
    open();
    ask_and_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(request_, "GET /v1/payments HTTP/1.1\r\nHost: api.example\r\n\r\n");
    EXPECT_EQ(status_, 200);
    EXPECT_EQ(body_, "hello");
    exchange_.reset();
    EXPECT_EQ(finished_, true);
    EXPECT_TRUE(connection_->reusable());
  }
}

TEST_F(ClientConnectionTest, ReadsChunkedAnswersAndKeepsTheConnection) {
  connect(1);
  open();
  ask_and_answer(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(body_, "abcde");
  exchange_.reset();
  EXPECT_EQ(finished_, true);
}

TEST_F(ClientConnectionTest, AnswerUntilCloseIsCompleteAndNotReusable) {
  connect();
  open();
  ask_and_answer("HTTP/1.1 200 OK\r\n\r\npart one, ");
  peer_->write("part two");
  EXPECT_FALSE(complete_);
  peer_->finish_writing();
  EXPECT_TRUE(complete_);
  EXPECT_EQ(body_, "part one, part two");
  exchange_.reset();
  EXPECT_EQ(finished_, false);
}

TEST_F(ClientConnectionTest, BrokenOffAnswerIsAnErrorNeverAShortBody) {
  connect();
  open();
  ask_and_answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  peer_->finish_writing();
  EXPECT_EQ(error_, "http.upstream_lost");
  EXPECT_EQ(exchange_->send_state(), SendState::answered);
  exchange_.reset();
  EXPECT_EQ(finished_, false);
}

TEST_F(ClientConnectionTest, PassesOverInterimAnswersUpToALimit) {
  connect();
  open();
  ask_and_answer(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(status_, 200);
  exchange_.reset();
  open();
  std::string many;
  for (int i = 0; i < 9; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  ask_and_answer(many);
  EXPECT_EQ(error_, "http.upstream_malformed");
}

TEST_F(ClientConnectionTest, UnaskedUpgradeIsMalformed) {
  connect();
  open();
  ask_and_answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
  EXPECT_EQ(error_, "http.upstream_malformed");
}

TEST_F(ClientConnectionTest, BytesBehindTheAnswerMakeTheConnectionUnusable) {
  connect();
  open();
  ask_and_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n");
  exchange_.reset();
  EXPECT_EQ(finished_, false);
}

TEST_F(ClientConnectionTest, ConnectionCloseIsHonoured) {
  connect();
  open();
  ask_and_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  exchange_.reset();
  EXPECT_EQ(finished_, false);
}

TEST_F(ClientConnectionTest, SilenceBeforeTheAnswerIsUnknownAfterTheDeadline) {
  connect();
  open();
  ask_and_answer("");
  executor_.advance(seconds(11));
  EXPECT_EQ(error_, "http.upstream_timeout");
  EXPECT_EQ(exchange_->send_state(), SendState::unknown);
}

TEST_F(ClientConnectionTest, NothingIsSentOnAConnectionAlreadyClosed) {
  connect();
  open();
  peer_->close();
  executor_.spawn(send("", true));
  EXPECT_EQ(error_, "http.upstream_lost");
  EXPECT_EQ(exchange_->send_state(), SendState::not_sent);
}

TEST_F(ClientConnectionTest, AnswerBeforeTheBodyIsCompleteStopsTheSending) {
  connect(SIZE_MAX, 1000);
  open("POST", BodyFraming::of_length(100'000));
  executor_.spawn(send(std::string(100'000, 'x'), true));
  executor_.run();
  EXPECT_FALSE(sent_);
  peer_->write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(sent_);
  EXPECT_TRUE(exchange_->sending_stopped());
  executor_.spawn(read_answer());
  EXPECT_EQ(status_, 413);
  exchange_.reset();
  EXPECT_EQ(finished_, false);
}

TEST_F(ClientConnectionTest, SmallBodyLeavesWithTheHeadInOneWrite) {
  connect();
  open("POST", BodyFraming::of_length(3));
  executor_.spawn(send("abc", true));
  EXPECT_EQ(peer_->read(),
            "POST /v1/payments HTTP/1.1\r\nHost: api.example\r\nContent-Length: 3\r\n\r\nabc");
}

TEST_F(ClientConnectionTest, AnswerToHeadHasNoBodyWhateverItAnnounces) {
  connect();
  open("HEAD");
  ask_and_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(complete_);
  exchange_.reset();
  EXPECT_EQ(finished_, true);
}

TEST_F(ClientConnectionTest, FieldThatWouldSplitTheRequestIsNotSent) {
  connect();
  exchange_ = connection_->start(BootTime::max(), [](bool) {});
  exchange_->begin_request("GET", "/", {}).field("X", "a\r\nEvil: yes");
  executor_.spawn(send("", true));
  EXPECT_FALSE(error_.empty());
  EXPECT_EQ(peer_->read(), "");
  EXPECT_EQ(exchange_->send_state(), SendState::not_sent);
}

}  // namespace
}  // namespace countersign::http
