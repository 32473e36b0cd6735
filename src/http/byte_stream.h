// ByteStream: a connection as the HTTP drivers see it. net/ has it over TCP and over TLS;
// memory_stream.h has it in memory, so that whole servers run in a test.
//
// Try first, wait only on "again": try_read and try_write never block; `co_await readable(stream)`
// suspends until trying again can help. At most one reader and one writer wait at a time. One
// thread.

#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "core/ip_address.h"

namespace countersign::crypto {
class VerifiedPeer;
}

namespace countersign::http {

enum class IoStatus {
  ok,      // `bytes` > 0 were moved
  again,   // nothing can be moved now: wait
  end,     // read only: the peer closed its side in order (for TLS: with close_notify)
  failed,  // the connection is broken (reset, TLS alert, truncation); it stays so
};

struct IoResult {
  IoStatus status = IoStatus::again;
  size_t bytes = 0;
};

enum class Direction { read, write };

enum class WakeReason {
  ready,      // try again
  timed_out,  // the deadline passed; the stream is still usable
  closed,     // close() was called; a try would fail
};

// The process at the other end of a Unix socket, as it was when it connected: the kernel vouches
// for it (SO_PEERCRED), the process cannot say something else. The pid is for logs only: it may
// have been given to another process since.
struct LocalPeer {
  uint32_t uid = 0;
  uint32_t gid = 0;  // its effective group; others that it belongs to are not known
  int32_t pid = 0;
  friend bool operator==(const LocalPeer&, const LocalPeer&) = default;
};

// What both ends agreed to speak (RFC 7301).
enum class AgreedProtocol : uint8_t {
  nothing,  // no TLS: the first bytes tell
  http1,    // also if the client named none
  http2,
};

// Who is at the other end. Both pointers live as long as the stream.
struct PeerInfo {
  Endpoint
      address;  // as the kernel says, or PROXY protocol if configured; default for Unix sockets
  std::optional<LocalPeer> local = {};                // Unix sockets only
  const crypto::VerifiedPeer* certificate = nullptr;  // null: no TLS, or no client certificate
  AgreedProtocol protocol = AgreedProtocol::nothing;
};

// Waits in a coroutine's frame; a stream holds a pointer to it. Takes itself off in its destructor.
class StreamWaiter {
 public:
  virtual ~StreamWaiter() = default;
  virtual void wake(WakeReason reason) = 0;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual IoResult try_read(std::span<char> into) = 0;
  // May take fewer bytes than offered. With TLS the same bytes must be offered again after `again`.
  virtual IoResult try_write(std::string_view from) = 0;

  // One waiter a direction; null takes it off. wake() is called from the executor's loop, never
  // from inside set_waiter.
  virtual void set_waiter(Direction direction, StreamWaiter* waiter) = 0;

  // After this time waits end with timed_out; coarse: up to 100 ms late. BootTime::max(), the
  // default, is never. One deadline for both directions; it does not by itself close anything.
  virtual void set_deadline(BootTime deadline) = 0;

  // Sends what ends the stream in order (TLS close_notify, FIN) as far as that goes without
  // waiting.
  virtual void shutdown_write() = 0;
  // Ends the connection at once and wakes both waiters with `closed`.
  virtual void close() = 0;

  // True if the peer has closed or sent something unasked: a pooled connection in this state must
  // not be reused. Makes no system call.
  virtual bool stale() const = 0;

  virtual const PeerInfo& peer() const = 0;
  // What broke the stream, once a try has `failed`.
  virtual Error failure() const = 0;
};

// WakeReason why = co_await readable(stream);
class Readiness final : private StreamWaiter {
 public:
  Readiness(ByteStream& stream, Direction direction) : stream_(stream), direction_(direction) {}
  Readiness(const Readiness&) = delete;
  ~Readiness() override {
    if (waiting_) stream_.set_waiter(direction_, nullptr);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    stream_.set_waiter(direction_, this);
  }
  WakeReason await_resume() const noexcept { return reason_; }

 private:
  void wake(WakeReason reason) override {
    reason_ = reason;
    stream_.set_waiter(direction_, nullptr);
    std::exchange(waiting_, {}).resume();
  }
  ByteStream& stream_;
  Direction direction_;
  std::coroutine_handle<> waiting_;
  WakeReason reason_ = WakeReason::ready;
};
inline Readiness readable(ByteStream& stream) {
  return {stream, Direction::read};
}
inline Readiness writable(ByteStream& stream) {
  return {stream, Direction::write};
}

}  // namespace countersign::http
