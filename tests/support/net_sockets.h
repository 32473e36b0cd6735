// Connected sockets and small coroutines for tests of net/.

#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "core/error.h"
#include "net/loop.h"
#include "net/socket_stream.h"

namespace countersign::testing {

inline std::unique_ptr<net::Loop> make_loop() {
  auto loop = net::Loop::create();
  if (!loop) panic(loop.error().for_log());
  return *std::move(loop);
}

// Both non-blocking.
inline std::pair<net::Fd, net::Fd> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    panic("socketpair failed");
  }
  return {net::Fd(ends[0]), net::Fd(ends[1])};
}

inline std::unique_ptr<net::SocketStream> make_stream(net::Loop& loop, net::Fd fd) {
  auto stream = net::SocketStream::create(loop, std::move(fd), {});
  if (!stream) panic(stream.error().for_log());
  return *std::move(stream);
}

// What was read until `bytes` had arrived or the stream ended or failed.
inline Task<std::string> read_bytes(http::ByteStream& stream, size_t bytes) {
  std::string all;
  std::array<char, 4096> piece;
  while (all.size() < bytes) {
    const size_t wanted = std::min(piece.size(), bytes - all.size());
    const http::IoResult result = stream.try_read(std::span(piece).first(wanted));
    if (result.status == http::IoStatus::ok) {
      all.append(piece.data(), result.bytes);
    } else if (result.status != http::IoStatus::again ||
               co_await http::readable(stream) != http::WakeReason::ready) {
      break;
    }
  }
  co_return all;
}

// The status that is not `ok` or `again` to which reading comes.
inline Task<http::IoStatus> read_to_end(http::ByteStream& stream) {
  std::array<char, 4096> piece;
  for (;;) {
    const http::IoResult result = stream.try_read(piece);
    if (result.status == http::IoStatus::end || result.status == http::IoStatus::failed) {
      co_return result.status;
    }
    if (result.status == http::IoStatus::again) co_await http::readable(stream);
  }
}

inline Task<bool> write_bytes(http::ByteStream& stream, std::string bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    const http::IoResult result = stream.try_write(left);
    if (result.status == http::IoStatus::ok) {
      left.remove_prefix(result.bytes);
    } else if (result.status != http::IoStatus::again ||
               co_await http::writable(stream) != http::WakeReason::ready) {
      co_return false;
    }
  }
  co_return true;
}

// Turns until `condition` holds.
template <typename Condition>
void turn_until(net::Loop& loop, Condition condition) {
  while (!condition()) loop.turn(true);
}

}  // namespace countersign::testing
