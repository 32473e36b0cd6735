#include "net/socket_stream.h"

#include <gtest/gtest.h>

#include "net/listener.h"
#include "support/net_sockets.h"
#include "support/temporary_folder.h"

namespace countersign::net {
namespace {

using http::Direction;
using http::IoStatus;
using http::WakeReason;
using std::chrono::milliseconds;
using testing::make_loop;
using testing::make_stream;

// One end as a stream, the other as a bare descriptor in the hands of the test.
class SocketStreamTest : public ::testing::Test {
 protected:
  SocketStreamTest() {
    auto [mine, theirs] = testing::socket_pair();
    stream_ = make_stream(*loop_, std::move(mine));
    peer_ = std::move(theirs);
  }
  ~SocketStreamTest() override { loop_->cancel_tasks(); }  // before the streams they wait for
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  http::IoResult read() { return stream_->try_read(buffer_); }

  std::unique_ptr<Loop> loop_ = make_loop();
  std::unique_ptr<SocketStream> stream_;
  Fd peer_;
  std::array<char, 64> buffer_{};
};

TEST_F(SocketStreamTest, ReadsNothingBeforeTheKernelHasReported) {
  send("hello");
  EXPECT_EQ(read().status, IoStatus::again);  // no system call: the bytes are there
  loop_->turn(false);
  const auto result = read();
  EXPECT_EQ(result.status, IoStatus::ok);
  EXPECT_EQ(std::string_view(buffer_.data(), result.bytes), "hello");
}

TEST_F(SocketStreamTest, AShortReadMeansNoMoreUntilTheNextReport) {
  send("one");
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 3u);
  send("two");
  EXPECT_EQ(read().status, IoStatus::again);
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 3u);
}

TEST_F(SocketStreamTest, AFullReadIsFollowedByAnother) {
  send(std::string(100, 'x'));
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 64u);
  EXPECT_EQ(read().bytes, 36u);
  EXPECT_EQ(read().status, IoStatus::again);
}

TEST_F(SocketStreamTest, DataThatCameWithTheEndIsReadBeforeTheEnd) {
  send("last words");
  peer_.reset();
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 10u);
  EXPECT_EQ(read().status, IoStatus::end);
  EXPECT_EQ(read().status, IoStatus::end);
}

TEST_F(SocketStreamTest, TheEndAfterAShortReadIsReported) {
  send("last words");
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 10u);
  EXPECT_EQ(read().status, IoStatus::again);
  peer_.reset();
  loop_->turn(false);
  EXPECT_EQ(read().status, IoStatus::end);
}

TEST_F(SocketStreamTest, HalfClosedPeerCanStillBeAnswered) {
  send("question");
  ::shutdown(peer_.get(), SHUT_WR);
  loop_->turn(false);
  EXPECT_EQ(read().bytes, 8u);
  EXPECT_EQ(read().status, IoStatus::end);
  EXPECT_EQ(stream_->try_write("answer").bytes, 6u);
  EXPECT_EQ(::recv(peer_.get(), buffer_.data(), buffer_.size(), 0), 6);
}

TEST_F(SocketStreamTest, APeerThatNeverReadsStopsTheWriter) {
  loop_->turn(false);
  const std::string piece(64 * 1024, 'x');
  size_t taken = 0;
  for (int turns = 0; turns < 1000; ++turns) {
    const auto result = stream_->try_write(piece);
    taken += result.bytes;
    loop_->turn(false);
  }
  EXPECT_EQ(stream_->try_write(piece).status, IoStatus::again);
  EXPECT_LT(taken, 16u * 1024 * 1024);  // what the kernel holds, and nothing of ours
  EXPECT_FALSE(stream_->writable());
}

TEST_F(SocketStreamTest, AWriterIsWokenWhenThePeerReads) {
  const std::string all(2 * 1024 * 1024, 'x');
  auto reader = make_stream(*loop_, std::move(peer_));
  bool written = false;
  loop_->spawn([](http::ByteStream& to, std::string bytes, bool& done) -> Task<void> {
    done = co_await testing::write_bytes(to, std::move(bytes));
  }(*stream_, all, written));
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(*reader, all.size())).size(), all.size());
  testing::turn_until(*loop_, [&] { return written; });
}

Task<void> note_wake(http::ByteStream& stream, Direction direction, WakeReason& reason,
                     int& wakes) {
  reason = co_await http::Readiness(stream, direction);
  ++wakes;
}

TEST_F(SocketStreamTest, CloseWakesBothWaitersWithClosed) {
  loop_->turn(false);
  while (stream_->try_write(std::string(65536, 'x')).status == IoStatus::ok) loop_->turn(false);
  WakeReason reader{}, writer{};
  int wakes = 0;
  Task<void> reading = note_wake(*stream_, Direction::read, reader, wakes);
  Task<void> writing = note_wake(*stream_, Direction::write, writer, wakes);
  reading.start();
  writing.start();
  stream_->close();
  EXPECT_EQ(wakes, 0);  // never from inside close()
  loop_->turn(true);
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(reader, WakeReason::closed);
  EXPECT_EQ(writer, WakeReason::closed);
  EXPECT_EQ(read().status, IoStatus::failed);
  EXPECT_EQ(stream_->try_write("x").status, IoStatus::failed);
  EXPECT_EQ(stream_->failure().code, "net.closed");
  EXPECT_EQ(::recv(peer_.get(), buffer_.data(), 1, 0), 1);
}

TEST_F(SocketStreamTest, ADestroyedWaiterIsNotWoken) {
  WakeReason reason{};
  int wakes = 0;
  {
    Task<void> reading = note_wake(*stream_, Direction::read, reason, wakes);
    reading.start();
  }
  send("x");
  loop_->turn(true);
  loop_->turn(false);
  EXPECT_EQ(wakes, 0);
}

TEST_F(SocketStreamTest, AWaiterDestroyedAfterTheReportAndBeforeItsWakeIsNotWoken) {
  auto [mine, theirs] = testing::socket_pair();
  const auto second = make_stream(*loop_, std::move(mine));
  WakeReason reason{};
  int wakes = 0;
  Task<void> victim = note_wake(*second, Direction::read, reason, wakes);
  Task<void> killer = [](http::ByteStream& stream, Task<void>& other) -> Task<void> {
    co_await http::readable(stream);
    other = Task<void>();
  }(*stream_, victim);
  killer.start();
  victim.start();
  // Reported in one turn; the first one woken destroys the other.
  send("x");
  ASSERT_EQ(::send(theirs.get(), "x", 1, 0), 1);
  loop_->turn(true);
  loop_->turn(false);
  EXPECT_TRUE(killer.done());
  EXPECT_LE(wakes, 1);  // 1 only if the kernel had the other order
}

TEST_F(SocketStreamTest, AStreamMayBeDestroyedByItsOwnWaiter) {
  Task<void> reading = [](std::unique_ptr<SocketStream>& owner) -> Task<void> {
    co_await http::readable(*owner);
    owner.reset();
  }(stream_);
  reading.start();
  send("x");
  loop_->turn(true);
  loop_->turn(false);
  EXPECT_TRUE(reading.done());
  EXPECT_EQ(stream_, nullptr);
}

TEST_F(SocketStreamTest, AWaitEndsAtTheDeadlineAndTheStreamStaysUsable) {
  WakeReason reason{};
  int wakes = 0;
  stream_->set_deadline(loop_->now() + milliseconds(1));
  Task<void> reading = note_wake(*stream_, Direction::read, reason, wakes);
  reading.start();
  testing::turn_until(*loop_, [&] { return wakes == 1; });
  EXPECT_EQ(reason, WakeReason::timed_out);
  stream_->set_deadline(BootTime::max());
  send("late");
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(*stream_, 4)), "late");
}

TEST_F(SocketStreamTest, AWaitBegunAfterTheDeadlineEndsWithTheNextTurn) {
  stream_->set_deadline(loop_->now());
  WakeReason reason{};
  int wakes = 0;
  Task<void> reading = note_wake(*stream_, Direction::read, reason, wakes);
  reading.start();
  EXPECT_EQ(wakes, 0);
  loop_->turn(true);
  EXPECT_EQ(reason, WakeReason::timed_out);
}

TEST_F(SocketStreamTest, ATrickleDoesNotBuyTime) {
  stream_->set_deadline(loop_->now());
  send("x");
  loop_->turn(false);
  WakeReason reason{};
  int wakes = 0;
  Task<void> reading = note_wake(*stream_, Direction::read, reason, wakes);
  reading.start();
  loop_->turn(true);
  EXPECT_EQ(reason, WakeReason::timed_out);
}

TEST_F(SocketStreamTest, IsStaleOnceThePeerSentOrClosed) {
  loop_->turn(false);
  EXPECT_FALSE(stream_->stale());
  send("unasked");
  loop_->turn(false);
  EXPECT_TRUE(stream_->stale());
  EXPECT_EQ(read().bytes, 7u);
  EXPECT_FALSE(stream_->stale());
  peer_.reset();
  loop_->turn(false);
  EXPECT_TRUE(stream_->stale());
}

TEST_F(SocketStreamTest, ABusyStreamDoesNotKeepAQuietOneFromItsTurn) {
  auto [mine, theirs] = testing::socket_pair();
  const auto quiet = make_stream(*loop_, std::move(mine));
  // More than one turn's share lies ready in the kernel.
  std::string plenty(4096, 'x');
  size_t prepared = 0;
  for (;;) {
    const ssize_t sent = ::send(peer_.get(), plenty.data(), plenty.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    prepared += static_cast<size_t>(sent);
  }
  size_t read_by_busy = 0, seen_by_quiet = 0;
  loop_->spawn([](http::ByteStream& stream, size_t& total) -> Task<void> {
    std::array<char, 512> piece;
    for (;;) {  // never gives up its turn by itself
      const auto result = stream.try_read(piece);
      if (result.status == IoStatus::ok) {
        total += result.bytes;
      } else if (result.status != IoStatus::again ||
                 co_await http::readable(stream) != WakeReason::ready) {
        co_return;
      }
    }
  }(*stream_, read_by_busy));
  loop_->spawn([](http::ByteStream& stream, size_t& other, size_t& seen) -> Task<void> {
    co_await http::readable(stream);
    seen = other;
  }(*quiet, read_by_busy, seen_by_quiet));
  ASSERT_EQ(::send(theirs.get(), "x", 1, 0), 1);
  testing::turn_until(*loop_, [&] { return loop_->tasks_running() == 1; });
  EXPECT_LT(seen_by_quiet, prepared / 2);
  testing::turn_until(*loop_, [&] { return read_by_busy == prepared; });
}

TEST(ConnectTcp, ConnectsAndKnowsThePeer) {
  const auto loop = make_loop();
  const auto listening = ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")});
  ASSERT_TRUE(listening);
  const Endpoint to = (*listening)->bound();
  const auto stream =
      loop->run_until_done(connect_tcp(*loop, to, loop->now() + std::chrono::seconds(10)));
  ASSERT_TRUE(stream) << stream.error().for_log();
  EXPECT_EQ((*stream)->peer().address, to);
  EXPECT_TRUE((*stream)->writable());
}

TEST(ConnectTcp, SaysWhenTheConnectionIsRefused) {
  const auto loop = make_loop();
  Endpoint nobody;
  {
    const auto listening = ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")});
    ASSERT_TRUE(listening);
    nobody = (*listening)->bound();
  }
  const auto stream = loop->run_until_done(connect_tcp(*loop, nobody, BootTime::max()));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, "net.connect_failed");
  EXPECT_NE(stream.error().private_detail.find("refused"), std::string::npos);
}

TEST(ConnectTcp, MayBeGivenUpAtAnyTime) {
  const auto loop = make_loop();
  const auto listening = ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")});
  ASSERT_TRUE(listening);
  {
    auto connecting = connect_tcp(*loop, (*listening)->bound(), BootTime::max());
    connecting.start();
    EXPECT_FALSE(connecting.done());
  }
  loop->turn(false);
  loop->turn(false);
}

TEST(ConnectTcp, EndsAtItsDeadline) {
  const auto loop = make_loop();
  const auto listening = ListeningSocket::create({.address = *Endpoint::parse("127.0.0.1:0")});
  ASSERT_TRUE(listening);
  const auto stream =
      loop->run_until_done(connect_tcp(*loop, (*listening)->bound(), BootTime::min()));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, "net.connect_timeout");
}

TEST(ConnectUnix, ConnectsByPath) {
  const auto loop = make_loop();
  const testing::TemporaryFolder folder;
  const auto listening = ListeningSocket::create({.unix_path = folder / "socket"});
  ASSERT_TRUE(listening) << listening.error().for_log();
  EXPECT_TRUE(loop->run_until_done(connect_unix(*loop, folder / "socket", BootTime::max())));
  const auto missing = loop->run_until_done(connect_unix(*loop, folder / "none", BootTime::max()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "net.connect_failed");
  const auto too_long =
      loop->run_until_done(connect_unix(*loop, std::string(200, 'x'), BootTime::max()));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, "net.bad_socket_path");
}

}  // namespace
}  // namespace countersign::net
