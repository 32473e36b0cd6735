// SocketStream: a connected TCP or Unix socket as a ByteStream.
//
// Registered with its loop once, edge-triggered; what the kernel reported is remembered, so that a
// try which cannot succeed makes no system call. A short read or write tells that the kernel's
// buffer is used up, until the next report. How much one stream may move in one turn is bounded:
// then a try gives `again`, and the others have theirs.

#pragma once

#include <memory>
#include <string>

#include "core/task.h"
#include "http/byte_stream.h"
#include "net/fd.h"
#include "net/loop.h"

namespace countersign::net {

class SocketStream final : public http::ByteStream, private Watched, private Deadlined {
 public:
  // `fd` is a connected, non-blocking stream socket (or one whose connect() is under way). `peer`
  // as accept() gave it.
  static Result<std::unique_ptr<SocketStream>> create(Loop& loop, Fd fd, http::PeerInfo peer);
  ~SocketStream() override;

  http::IoResult try_read(std::span<char> into) override;
  http::IoResult try_write(std::string_view from) override;
  void set_waiter(http::Direction direction, http::StreamWaiter* waiter) override;
  void set_deadline(BootTime deadline) override;
  void shutdown_write() override;
  void close() override;
  bool stale() const override;
  const http::PeerInfo& peer() const override { return peer_; }
  Error failure() const override;
  // Before anyone has looked: a balancer has said who is behind it.
  void set_peer_address(const Endpoint& address) { peer_.address = address; }

  // For TLS, whose reader may have to wait until it can write, and the other way round: `waiter`
  // stays the one for `direction`, but is woken when `until` is possible.
  void set_waiter(http::Direction direction, http::StreamWaiter* waiter, http::Direction until);
  // Wakes the waiter of `direction` in the next turn, whatever the socket says.
  void wake_soon(http::Direction direction);
  // True if a try may move something: the kernel reported so, and nothing said otherwise since.
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  // Takes from this turn's share what moving `bytes` costs; false if it is used up.
  bool spend(size_t bytes);
  bool closed() const { return !fd_.valid(); }
  Loop& loop() { return loop_; }

 private:
  struct Slot final : Wakeup {
    explicit Slot(SocketStream& stream) : owner(stream) {}
    void run() override;
    SocketStream& owner;
    http::StreamWaiter* waiter = nullptr;
    http::Direction until = http::Direction::read;
    bool forced = false;
  };

  SocketStream(Loop& loop, Fd fd, http::PeerInfo peer);
  void on_events(uint32_t events) override;
  void deadline_passed() override;
  Slot& slot(http::Direction direction) {
    return direction == http::Direction::read ? reader_ : writer_;
  }
  bool possible(http::Direction direction) const {
    return direction == http::Direction::read ? readable_ : writable_;
  }
  bool broken() const { return read_error_ != 0 || write_error_ != 0; }

  Loop& loop_;
  Fd fd_;
  http::PeerInfo peer_;
  Slot reader_{*this};
  Slot writer_{*this};
  uint64_t share_turn_ = 0;
  size_t share_left_ = 0;
  int read_error_ = 0;   // errno of what broke the connection
  int write_error_ = 0;  // likewise; what the peer sent before can still be read
  bool readable_ = false;
  bool writable_ = false;
  bool hung_up_ = false;  // the end or an error is on its way: read on until it comes
  bool ended_ = false;
};

// Connects; the result is writable. `net.connect_failed`, `net.connect_timeout`.
Task<Result<std::unique_ptr<SocketStream>>> connect_tcp(Loop& loop, Endpoint to, BootTime deadline);
Task<Result<std::unique_ptr<SocketStream>>> connect_unix(Loop& loop, std::string path,
                                                         BootTime deadline);

}  // namespace countersign::net
