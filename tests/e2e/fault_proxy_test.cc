// The proxy that breaks connections breaks them where it was told to, and nowhere else.

#include "support/fault_proxy.h"

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/fd.h"
#include "net/socket_address.h"

namespace countersign::testing {
namespace {

using Kind = FaultProxy::Kind;
using Side = FaultProxy::Side;

class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxyTest() {
    listener_ = net::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto any = net::SocketAddress::of(Endpoint::parse("127.0.0.1:0").value());
    EXPECT_EQ(::bind(listener_.get(), any.get(), any.size()), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), any.get(), any.size_for_kernel()), 0);
    proxy_.emplace(any.endpoint());
  }
  // A client and the server's end of its connection, through the proxy.
  void connect() {
    client_ = net::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto to = net::SocketAddress::of(proxy_->address());
    ASSERT_EQ(::connect(client_.get(), to.get(), to.size()), 0);
    server_ = net::Fd(::accept(listener_.get(), nullptr, nullptr));
    ASSERT_TRUE(server_.valid());
  }
  static void write(const net::Fd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // At most `bytes`, to the end or the error before.
  static std::string read(const net::Fd& fd, size_t bytes, int* error = nullptr) {
    std::string all;
    std::array<char, 256> piece;
    while (all.size() < bytes) {
      const ssize_t got =
          ::recv(fd.get(), piece.data(), std::min(piece.size(), bytes - all.size()), 0);
      if (got < 0 && error) *error = errno;
      if (got <= 0) break;
      all.append(piece.data(), static_cast<size_t>(got));
    }
    return all;
  }

  net::Fd listener_;
  std::optional<FaultProxy> proxy_;
  net::Fd client_;
  net::Fd server_;
};

TEST_F(FaultProxyTest, PassesBothWaysAndCounts) {
  connect();
  write(client_, "question");
  EXPECT_EQ(read(server_, 8), "question");
  write(server_, "answer");
  EXPECT_EQ(read(client_, 6), "answer");
  server_.reset();
  EXPECT_EQ(read(client_, 1), "");
  EXPECT_EQ(proxy_->passed(Side::request), 8u);
  EXPECT_EQ(proxy_->passed(Side::response), 6u);
  EXPECT_EQ(proxy_->struck(), 0);
}

TEST_F(FaultProxyTest, ResetsAfterExactlySoManyBytes) {
  for (const uint64_t at : {0, 1, 7}) {
    proxy_->set({.where = Side::request, .at_byte = at, .kind = Kind::reset});
    connect();
    write(client_, "question");
    int error = 0;
    EXPECT_EQ(read(client_, 1, &error), "");
    EXPECT_EQ(error, ECONNRESET);
    EXPECT_EQ(proxy_->passed(Side::request), at);
    EXPECT_EQ(proxy_->struck(), 1);
  }
}

TEST_F(FaultProxyTest, AFaultBeyondTheLastByteNeverComes) {
  proxy_->set({.where = Side::request, .at_byte = 9, .kind = Kind::reset});
  connect();
  write(client_, "question");
  EXPECT_EQ(read(server_, 8), "question");
  write(server_, "answer");
  EXPECT_EQ(read(client_, 6), "answer");
  EXPECT_EQ(proxy_->struck(), 0);
}

TEST_F(FaultProxyTest, ClosesInOrderWithinTheAnswer) {
  proxy_->set({.where = Side::response, .at_byte = 3, .kind = Kind::close});
  connect();
  write(server_, "answer");
  int error = 0;
  EXPECT_EQ(read(client_, 6, &error), "ans");
  EXPECT_EQ(error, 0);
}

TEST_F(FaultProxyTest, ClosesHalfAndLetsTheOtherDirectionGoOn) {
  proxy_->set({.where = Side::request, .at_byte = 4, .kind = Kind::close_half});
  connect();
  write(client_, "question");
  EXPECT_EQ(read(server_, 8), "ques");
  write(server_, "answer");
  EXPECT_EQ(read(client_, 6), "answer");
}

TEST_F(FaultProxyTest, StallsOneSideUntilItIsSetAnew) {
  for (const Kind kind : {Kind::stall, Kind::drop}) {
    proxy_->set({.where = Side::request, .at_byte = 4, .kind = kind});
    connect();
    write(client_, "question");
    proxy_->wait_until_struck();
    EXPECT_EQ(read(server_, 4), "ques");
    write(server_, "answer");
    EXPECT_EQ(read(client_, 6), "answer");
    proxy_->set({});
    EXPECT_EQ(read(server_, 1), "") << "open connections were reset";
  }
}

TEST_F(FaultProxyTest, SlicesAndDelaysLoseNothing) {
  proxy_->set({.where = Side::request, .at_byte = 2, .kind = Kind::delay, .slice = 1});
  connect();
  write(client_, "question");
  EXPECT_EQ(read(server_, 8), "question");
  EXPECT_EQ(proxy_->struck(), 1);
}

TEST_F(FaultProxyTest, HitsOnlySoManyConnections) {
  proxy_->set({.where = Side::request, .at_byte = 0, .kind = Kind::reset, .connections = 1});
  connect();
  write(client_, "a");
  EXPECT_EQ(read(client_, 1), "");
  connect();
  write(client_, "b");
  EXPECT_EQ(read(server_, 1), "b");
}

}  // namespace
}  // namespace countersign::testing
