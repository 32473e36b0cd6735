#include "net/listener.h"

#include <algorithm>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/signals.h"
#include "net/socket_address.h"
#include "support/net_sockets.h"
#include "support/temporary_folder.h"

namespace countersign::net {
namespace {

using testing::make_loop;

std::shared_ptr<const ListeningSocket> listen_on_loopback() {
  auto socket = ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")});
  if (!socket) panic(socket.error().for_log());
  return *std::move(socket);
}

Fd connect_to(const Endpoint& endpoint) {
  const SocketAddress address = SocketAddress::of(endpoint);
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.get(), address.size()) != 0) fd.reset();
  return fd;
}

// True if the other side has closed.
bool is_closed(const Fd& fd) {
  char byte;
  return ::recv(fd.get(), &byte, 1, 0) <= 0;
}

TEST(ListeningSocket, TellsThePortItGot) {
  const auto socket = listen_on_loopback();
  EXPECT_NE(socket->bound().port, 0);
  EXPECT_EQ(socket->bound().address.to_string(), "127.0.0.1");
}

TEST(ListeningSocket, SaysWhatIsTaken) {
  const auto socket = listen_on_loopback();
  const auto second = ListeningSocket::create({.address = socket->bound()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "net.listen_failed");
  EXPECT_NE(second.error().private_detail.find(socket->bound().to_string()), std::string::npos);
}

TEST(ListeningSocket, RefusesAnInterfaceThatIsNotThere) {
  const auto socket = ListeningSocket::create(
      {.address = *Endpoint::parse("127.0.0.1:0"), .interface = "no-such-if0"});
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, "net.listen_failed");
}

TEST(ListeningSocket, UnixSocketHasItsModeReplacesADeadOneAndNothingElse) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "socket";
  {
    auto first = ListeningSocket::create({.unix_path = path, .unix_mode = 0660});
    ASSERT_TRUE(first) << first.error().for_log();
    struct stat status;
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660u);
    EXPECT_FALSE(ListeningSocket::create({.unix_path = path}));  // somebody listens
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  {
    // A process that died left its socket behind.
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = SocketAddress::of_unix(path);
    ASSERT_EQ(::bind(dead.get(), address->get(), address->size()), 0);
  }
  EXPECT_TRUE(ListeningSocket::create({.unix_path = path}));
  std::ofstream(path) << "a file of somebody else";
  EXPECT_FALSE(ListeningSocket::create({.unix_path = path}));
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(ListeningSocket, RemovesOnlyItsOwnFile) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "socket";
  auto socket = ListeningSocket::create({.unix_path = path});
  ASSERT_TRUE(socket);
  EXPECT_EQ((*socket)->name(), "unix:" + path);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  std::ofstream(path) << "a file of somebody else";
  socket->reset();
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(ListeningSocket, GivesTheFileToAGroup) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "socket";
  const auto socket = ListeningSocket::create(
      {.unix_path = path, .unix_mode = 0660, .unix_owner = ::getuid(), .unix_group = ::getgid()});
  ASSERT_TRUE(socket) << socket.error().for_log();
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, ::getgid());
  EXPECT_EQ(status.st_mode & 0777, 0660u);
}

TEST(Acceptor, NamesTheProcessBehindAUnixSocket) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "socket";
  const auto loop = make_loop();
  ConnectionLimits limits({});
  auto socket = ListeningSocket::create({.unix_path = path});
  ASSERT_TRUE(socket);
  std::vector<http::PeerInfo> peers;
  const auto acceptor = Acceptor::create(
      *loop, *socket, limits, [&](AcceptedConnection made) { peers.push_back(made.peer); });
  ASSERT_TRUE(acceptor);
  const auto address = SocketAddress::of_unix(path);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(fd.get(), address->get(), address->size()), 0);
  while (peers.empty()) loop->turn(/*wait=*/true);
  ASSERT_TRUE(peers.front().local);
  EXPECT_EQ(peers.front().local->uid, ::geteuid());
  EXPECT_EQ(peers.front().local->gid, ::getegid());
  EXPECT_EQ(peers.front().local->pid, ::getpid());
}

TEST(ConnectionLimits, CountsInAllAndByAddress) {
  ConnectionLimits limits({.connections_max = 3, .per_address_max = 2});
  const auto a = *IpAddress::parse("192.0.2.1");
  const auto b = *IpAddress::parse("192.0.2.2");
  auto one = limits.admit(a);
  auto two = limits.admit(a);
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(limits.admit(a));
  auto three = limits.admit(b);
  EXPECT_TRUE(three);
  EXPECT_FALSE(limits.room());
  EXPECT_FALSE(limits.admit(*IpAddress::parse("192.0.2.3")));
  one.reset();
  EXPECT_TRUE(limits.room());
  EXPECT_TRUE(limits.admit(a));
  EXPECT_EQ(limits.connections(), 2u);
}

TEST(ConnectionLimits, CountsHandshakes) {
  ConnectionLimits limits({.handshakes_max = 1});
  auto one = limits.admit_handshake(BootTime());
  EXPECT_TRUE(one);
  EXPECT_FALSE(limits.room());
  EXPECT_FALSE(limits.admit_handshake(BootTime()));
  one.reset();
  EXPECT_TRUE(limits.room());
  EXPECT_EQ(limits.handshakes(), 0u);
}

class AcceptorTest : public ::testing::Test {
 protected:
  std::unique_ptr<Acceptor> accept(Loop& loop, ConnectionLimits& limits) {
    auto acceptor = Acceptor::create(loop, socket_, limits, [this](AcceptedConnection connection) {
      accepted_.push_back(std::move(connection));
    });
    if (!acceptor) panic(acceptor.error().for_log());
    return *std::move(acceptor);
  }
  std::unique_ptr<Loop> loop_ = make_loop();
  std::shared_ptr<const ListeningSocket> socket_ = listen_on_loopback();
  std::vector<Fd> clients_;
  ConnectionLimits limits_{{}};
  std::vector<AcceptedConnection> accepted_;
};

TEST_F(AcceptorTest, AcceptsAllAndKnowsThePeers) {
  const auto acceptor = accept(*loop_, limits_);
  for (int i = 0; i < 40; ++i) clients_.push_back(connect_to(socket_->bound()));
  testing::turn_until(*loop_, [&] { return accepted_.size() == 40; });
  EXPECT_TRUE(accepted_.front().peer.address.address.is_loopback());
  EXPECT_EQ(limits_.connections(), 40u);
}

TEST_F(AcceptorTest, AcceptsABoundedNumberInOneTurn) {
  const auto acceptor = accept(*loop_, limits_);
  for (int i = 0; i < 40; ++i) clients_.push_back(connect_to(socket_->bound()));
  loop_->turn(true);
  EXPECT_GT(accepted_.size(), 0u);
  EXPECT_LT(accepted_.size(), 40u);
  testing::turn_until(*loop_, [&] { return accepted_.size() == 40; });
}

TEST_F(AcceptorTest, LeavesToOthersWhatItDoesNotTake) {
  const auto second_loop = make_loop();
  auto first = accept(*loop_, limits_);
  const auto second = accept(*second_loop, limits_);
  for (int i = 0; i < 40; ++i) clients_.push_back(connect_to(socket_->bound()));
  loop_->turn(true);
  first.reset();  // a loop that stops loses nothing of the backlog
  testing::turn_until(*second_loop, [&] { return accepted_.size() == 40; });
}

TEST_F(AcceptorTest, ClosesWhatIsOverTheLimitOfItsAddress) {
  ConnectionLimits limits({.per_address_max = 2});
  const auto acceptor = accept(*loop_, limits);
  for (int i = 0; i < 3; ++i) clients_.push_back(connect_to(socket_->bound()));
  testing::turn_until(*loop_, [&] { return accepted_.size() == 2; });
  loop_->turn(false);
  EXPECT_TRUE(is_closed(clients_[2]));
  accepted_.clear();
}

TEST_F(AcceptorTest, LeavesConnectionsInTheBacklogUntilThereIsRoom) {
  ConnectionLimits limits({.connections_max = 1});
  const auto acceptor = accept(*loop_, limits);
  for (int i = 0; i < 2; ++i) clients_.push_back(connect_to(socket_->bound()));
  testing::turn_until(*loop_, [&] { return accepted_.size() == 1; });
  loop_->turn(false);
  EXPECT_EQ(accepted_.size(), 1u);
  accepted_.clear();
  testing::turn_until(*loop_, [&] { return accepted_.size() == 1; });
  accepted_.clear();
}

TEST_F(AcceptorTest, WithoutDescriptorsItPausesAndGoesOnLater) {
  // It has accepted and paused before: UBSan needs a descriptor of its own to check a virtual call
  // that it has not seen yet.
  ConnectionLimits limits({.connections_max = 1});
  const auto acceptor = accept(*loop_, limits);
  for (int i = 0; i < 2; ++i) clients_.push_back(connect_to(socket_->bound()));
  for (int i = 0; i < 2; ++i) {
    testing::turn_until(*loop_, [&] { return accepted_.size() == 1; });
    loop_->turn(true);
    accepted_.clear();
  }
  clients_.push_back(connect_to(socket_->bound()));
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd next(::dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // One that spins would have its ten turns at once; pauses take their time.
  const BootTime start = loop_->now();
  for (int i = 0; i < 10; ++i) loop_->turn(true);
  EXPECT_GE(loop_->now() - start, std::chrono::milliseconds(100));
  EXPECT_TRUE(accepted_.empty());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  testing::turn_until(*loop_, [&] { return accepted_.size() == 1; });
  accepted_.clear();
}

TEST(Signals, AreDeliveredToTheLoop) {
  const auto loop = make_loop();
  std::vector<int> seen;
  const auto signals =
      Signals::create(*loop, {SIGUSR1, SIGUSR2}, [&](int number) { seen.push_back(number); });
  ASSERT_TRUE(signals) << signals.error().for_log();
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  testing::turn_until(*loop, [&] { return seen.size() == 2; });
  std::ranges::sort(seen);
  EXPECT_EQ(seen, (std::vector{SIGUSR1, SIGUSR2}));
}

}  // namespace
}  // namespace countersign::net
