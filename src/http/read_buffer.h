// What a connection has received and not yet used. One contiguous piece of memory, taken from the
// thread's scratch buffers on the first byte and given back when empty and idle.
//
// A parsed head stays where it is (pinned) while its body flows through the space behind it.

#pragma once

#include <string>
#include <string_view>

#include "http/byte_stream.h"
#include "http/message.h"

namespace countersign::http {

class ReadBuffer final {
 public:
  // `bytes_min` is what it begins with and the least free space behind a pinned head.
  explicit ReadBuffer(size_t bytes_min) : bytes_min_(bytes_min) {}
  ~ReadBuffer() { release(); }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  std::string_view unread() const {
    return std::string_view(memory_).substr(begin_, end_ - begin_);
  }
  void consume(size_t bytes) { begin_ += bytes; }

  // Keeps the first `bytes` of unread() in place, and consumes them, until unpin(). If that leaves
  // too little room for `body_bytes` to flow well, the memory moves first; the caller then parses
  // again: true means it moved.
  bool pin(size_t bytes, size_t body_bytes);
  void unpin();

  // Reads once from the stream into free space; makes space by moving unread bytes or growing to at
  // most `bytes_max` unread bytes. Views from unread() are invalid afterwards, a pinned head's are
  // not. `failed` also if full.
  IoResult fill(ByteStream& stream, size_t bytes_max);

  // Gives the memory back if nothing is unread or pinned.
  void release();

 private:
  void make_room(size_t bytes_max);
  size_t bytes_min_;
  std::string memory_;  // all of size() is usable; bytes [pinned_, begin_) are used up
  size_t pinned_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// For pin(): how many body bytes such a message may bring.
inline size_t room_for(const BodyFraming& framing) {
  if (framing.kind == BodyFraming::Kind::none) return 0;
  return framing.kind == BodyFraming::Kind::length ? framing.length : SIZE_MAX;
}

}  // namespace countersign::http
