// Frames that RFC 9113 forbids, written by hand, section by section: what each of them must end,
// and with which error. The other streams' and connections' part is in
// h2_server_connection_test.cc.

#include <optional>

#include <gtest/gtest.h>

#include "http/h2_session.h"
#include "http/memory_stream.h"
#include "http/server_connection.h"
#include "support/raw_peer.h"
#include "support/test_executor.h"

namespace countersign::http {
namespace {

using testing::FakeClock;
using testing::RawPeer;
using testing::TestExecutor;

// RFC 9113 §6 and §7.
enum : uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
};
enum : uint32_t {
  protocol_error = 1,
  flow_control_error = 3,
  stream_closed = 5,
  frame_size_error = 6,
  compression_error = 9,
};
constexpr uint8_t end_stream = 1;
constexpr uint8_t ack = 1;
constexpr uint8_t end_headers = 4;
constexpr uint8_t padded = 8;

std::string number(uint64_t value, int bytes) {
  std::string text;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    text += static_cast<char>((value >> shift) & 0xff);
  return text;
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  return number(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         number(stream, 4) + std::string(payload);
}

std::string setting(uint16_t id, uint32_t value) {
  return frame(settings, 0, 0, number(id, 2) + number(value, 4));
}

// GET / of authority "a" over http: three fields of HPACK's static table and a literal.
const std::string get_root(
    "\x82\x84\x86\x41\x01"
    "a");

std::string request(uint32_t stream, uint8_t flags = end_stream | end_headers) {
  return frame(headers, flags, stream, get_root);
}

class Counting final : public Service {
 public:
  Task<void> serve(Exchange& exchange) override {
    ++requests;
    auto body = co_await collect_body(exchange, 1 << 20);
    if (body) co_await respond(exchange, 200, "text/plain", "ok");
  }
  int requests = 0;
};

class HostileFrames : public ::testing::Test {
 protected:
  HostileFrames() {
    limits_.http2 = true;
    auto [server, client] = make_memory_streams(executor_);
    stream_ = std::move(server);
    peer_ = std::make_unique<RawPeer>(std::move(client), executor_);
    executor_.spawn(serve_connection(*stream_, service_, executor_, limits_, state_, status_));
  }
  void TearDown() override {
    peer_->close();
    executor_.advance(std::chrono::seconds(10));
    EXPECT_EQ(executor_.tasks_running(), 0u);
  }

  void begin() { peer_->write(std::string(h2_preface) + frame(settings, 0, 0, "")); }
  void send(std::string_view bytes) { peer_->write(bytes); }

  // What the server has said so far.
  void look() {
    received_ += peer_->read();
    while (received_.size() >= 9) {
      const auto at = [this](size_t i) { return static_cast<uint8_t>(received_[i]); };
      const size_t size = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
      if (received_.size() < 9 + size) return;
      const auto last_number = [&] {
        uint32_t value = 0;
        for (size_t i = 0; i < 4; ++i) value = value << 8 | at(9 + i + (at(3) == goaway ? 4 : 0));
        return value;
      };
      if (at(3) == goaway) goaway_ = last_number();
      if (at(3) == rst_stream) reset_ = last_number();
      received_.erase(0, 9 + size);
    }
  }
  // The connection is over, for this reason, and nothing reached the service behind it.
  void expect_connection_error(uint32_t error) {
    look();
    EXPECT_EQ(goaway_, error);
    EXPECT_TRUE(peer_->ended());
    EXPECT_LE(service_.requests, 1);
  }
  void expect_stream_error(uint32_t error) {
    look();
    EXPECT_EQ(reset_, error);
    EXPECT_FALSE(goaway_.has_value());
    EXPECT_FALSE(peer_->ended());
  }

  FakeClock clock_;
  ServerLimits limits_;
  ServerState state_;
  ConnectionStatus status_;
  TestExecutor executor_{clock_};
  Counting service_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<RawPeer> peer_;
  std::string received_;
  std::optional<uint32_t> goaway_;
  std::optional<uint32_t> reset_;
};

TEST_F(HostileFrames, AnOrdinaryRequestOfTheseFramesIsAnswered) {
  begin();
  send(request(1));
  look();
  EXPECT_EQ(service_.requests, 1);
  EXPECT_FALSE(goaway_.has_value());
}

// RFC 9113 §3.4
TEST_F(HostileFrames, ThePrefaceIsFollowedBySettings) {
  send(std::string(h2_preface) + frame(ping, 0, 0, std::string(8, 'x')));
  expect_connection_error(protocol_error);
}

// RFC 9113 §4.2
TEST_F(HostileFrames, AFrameLargerThanAllowedEndsTheConnection) {
  begin();
  send(request(1, end_headers) + frame(data, 0, 1, std::string(16385, 'x')));
  expect_connection_error(frame_size_error);
}

// RFC 9113 §4.3
TEST_F(HostileFrames, AHeadThatDoesNotDecodeEndsTheConnection) {
  begin();
  send(frame(headers, end_stream | end_headers, 1, "\xff\xff\xff\xff\xff\xff\xff\xff"));
  expect_connection_error(compression_error);
}

// RFC 9113 §5.1
TEST_F(HostileFrames, FramesOfAStreamThatNeverBeganEndTheConnection) {
  begin();
  send(frame(data, 0, 1, "x"));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, AResetOfAStreamThatNeverBeganEndsTheConnection) {
  begin();
  send(frame(rst_stream, 0, 1, number(8, 4)));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, AWindowOfAStreamThatNeverBeganEndsTheConnection) {
  begin();
  send(frame(window_update, 0, 1, number(1, 4)));
  expect_connection_error(protocol_error);
}

// RFC 9113 §5.1: half-closed (remote).
TEST_F(HostileFrames, DataBehindTheEndOfARequestIsAnError) {
  begin();
  send(request(1) + frame(data, 0, 1, "x"));
  look();
  EXPECT_TRUE(goaway_ == stream_closed || reset_ == stream_closed);
}

// RFC 9113 §5.1.1
TEST_F(HostileFrames, ClientsOpenOddStreamsOnly) {
  begin();
  send(request(2));
  expect_connection_error(protocol_error);
}

// RFC 9113 §5.1.1 asks for an end of the connection; the library takes it for a late frame of a
// stream that is gone.
TEST_F(HostileFrames, AStreamNumberThatGoesBackIsNotServed) {
  begin();
  send(request(5) + request(3));
  look();
  EXPECT_EQ(service_.requests, 1);
}

// RFC 9113 §6.1
TEST_F(HostileFrames, DataBelongsToAStream) {
  begin();
  send(frame(data, 0, 0, "x"));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, PaddingIsShorterThanItsFrame) {
  begin();
  send(request(1, end_headers) + frame(data, padded, 1, "\x05xx"));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.2
TEST_F(HostileFrames, AHeadBelongsToAStream) {
  begin();
  send(request(0));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.3
TEST_F(HostileFrames, APriorityBelongsToAStream) {
  begin();
  send(frame(priority, 0, 0, std::string(5, '\0')));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.4
TEST_F(HostileFrames, AResetBelongsToAStream) {
  begin();
  send(frame(rst_stream, 0, 0, number(8, 4)));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, AResetHasFourBytes) {
  begin();
  send(request(1, end_headers) + frame(rst_stream, 0, 1, "xxx"));
  expect_connection_error(frame_size_error);
}

// RFC 9113 §6.5
TEST_F(HostileFrames, SettingsAreOfTheConnection) {
  begin();
  send(frame(settings, 0, 1, ""));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, SettingsComeInSixBytes) {
  begin();
  send(frame(settings, 0, 0, "xxxxx"));
  expect_connection_error(frame_size_error);
}

TEST_F(HostileFrames, AnAcknowledgementOfSettingsIsEmpty) {
  begin();
  send(frame(settings, ack, 0, number(1, 2) + number(1, 4)));
  expect_connection_error(frame_size_error);
}

// RFC 9113 §6.5.2
TEST_F(HostileFrames, PushIsOnOrOff) {
  begin();
  send(setting(2, 2));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, AWindowHas31Bits) {
  begin();
  send(setting(4, 0x80000000u));
  expect_connection_error(flow_control_error);
}

TEST_F(HostileFrames, FrameSizesHaveBounds) {
  begin();
  send(setting(5, 16383));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.6, §8.4
TEST_F(HostileFrames, ClientsDoNotPush) {
  begin();
  send(request(1, end_headers) + frame(push_promise, end_headers, 1, number(2, 4) + get_root));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.7
TEST_F(HostileFrames, APingIsOfTheConnection) {
  begin();
  send(frame(ping, 0, 1, std::string(8, 'x')));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, APingHasEightBytes) {
  begin();
  send(frame(ping, 0, 0, std::string(7, 'x')));
  expect_connection_error(frame_size_error);
}

// RFC 9113 §6.8
TEST_F(HostileFrames, AGoodbyeIsOfTheConnection) {
  begin();
  send(frame(goaway, 0, 1, number(0, 4) + number(0, 4)));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.9
TEST_F(HostileFrames, AWindowGrowsBySomething) {
  begin();
  send(frame(window_update, 0, 0, number(0, 4)));
  expect_connection_error(protocol_error);
}

// RFC 9113 §6.9.1
TEST_F(HostileFrames, AConnectionsWindowHas31Bits) {
  begin();
  send(frame(window_update, 0, 0, number(0x7fffffff, 4)));
  expect_connection_error(flow_control_error);
}

TEST_F(HostileFrames, AStreamsWindowHas31Bits) {
  begin();
  send(request(1, end_headers) + frame(window_update, 0, 1, number(0x7fffffff, 4)));
  expect_stream_error(flow_control_error);
}

// RFC 9113 §6.10
TEST_F(HostileFrames, AContinuationContinuesSomething) {
  begin();
  send(frame(continuation, end_headers, 1, get_root));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, NothingComesBetweenAHeadAndItsContinuation) {
  begin();
  send(request(1, end_stream) + frame(ping, 0, 0, std::string(8, 'x')));
  expect_connection_error(protocol_error);
}

TEST_F(HostileFrames, AHeadIsContinuedOnItsOwnStream) {
  begin();
  send(request(1, end_stream) + frame(continuation, end_headers, 3, ""));
  expect_connection_error(protocol_error);
}

// RFC 9113 §4.1, §5.5: what is not known is passed over.
TEST_F(HostileFrames, AnUnknownFrameIsIgnored) {
  begin();
  send(frame(0xbe, 0xff, 7, "whatever") + request(1));
  look();
  EXPECT_EQ(service_.requests, 1);
  EXPECT_FALSE(goaway_.has_value());
}

}  // namespace
}  // namespace countersign::http
