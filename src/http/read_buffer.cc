#include "http/read_buffer.h"

#include <algorithm>
#include <cstring>

#include "http/scratch.h"

namespace countersign::http {
namespace {

// Grows without writing to the new bytes: they are read into, never out of, before they are filled.
// (libstdc++ 12 hands the lambda the new capacity in place of the size asked for.)
void set_size(std::string& memory, size_t size) {
  memory.resize_and_overwrite(size, [size](char*, size_t) { return size; });
}

constexpr size_t body_room_max = 16 * 1024;  // a TLS record; more brings nothing

}  // namespace

bool ReadBuffer::pin(size_t bytes, size_t body_bytes) {
  const size_t wanted = begin_ + bytes + std::min(body_bytes, body_room_max);
  if (body_bytes > 0 && memory_.size() < wanted) {
    set_size(memory_, wanted);
    return true;
  }
  begin_ += bytes;
  pinned_ = begin_;
  return false;
}

void ReadBuffer::unpin() {
  pinned_ = 0;
  if (begin_ == end_) begin_ = end_ = 0;
}

IoResult ReadBuffer::fill(ByteStream& stream, size_t bytes_max) {
  make_room(bytes_max);
  if (end_ == memory_.size()) return {IoStatus::failed, 0};
  const IoResult result = stream.try_read(std::span(memory_).subspan(end_));
  end_ += result.bytes;
  return result;
}

void ReadBuffer::make_room(size_t bytes_max) {
  if (memory_.empty()) {
    memory_ = take_scratch();
    set_size(memory_, std::max(bytes_min_, memory_.capacity()));
  }
  if (begin_ == end_) begin_ = end_ = pinned_;
  if (end_ < memory_.size()) return;
  if (begin_ > pinned_) {
    std::memmove(memory_.data() + pinned_, memory_.data() + begin_, end_ - begin_);
    end_ -= begin_ - pinned_;
    begin_ = pinned_;
  } else if (pinned_ == 0 && memory_.size() < bytes_max) {
    set_size(memory_, std::min(bytes_max, memory_.size() * 2));
  }
}

void ReadBuffer::release() {
  if (begin_ != end_ || pinned_ != 0 || memory_.empty()) return;
  begin_ = end_ = 0;
  give_scratch(std::exchange(memory_, {}), /*secret=*/false);
}

}  // namespace countersign::http
