// The other end of a memory stream, played by a test: writes bytes, reads what has come.

#pragma once

#include <array>
#include <memory>
#include <string>

#include "http/byte_stream.h"
#include "support/test_executor.h"

namespace countersign::testing {

class RawPeer final {
 public:
  RawPeer(std::unique_ptr<http::ByteStream> stream, TestExecutor& executor)
      : stream_(std::move(stream)), executor_(executor) {}

  // Writes all, letting the other side run whenever it must make room.
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const http::IoResult result = stream_->try_write(bytes);
      executor_.run();
      if (result.status == http::IoStatus::ok) bytes.remove_prefix(result.bytes);
      if (result.status == http::IoStatus::failed) return;
    }
  }
  // Everything that has arrived since the last call.
  std::string read() {
    executor_.run();
    std::string all;
    std::array<char, 4096> piece;
    for (;;) {
      const http::IoResult result = stream_->try_read(piece);
      if (result.status != http::IoStatus::ok) {
        last_ = result.status;
        return all;
      }
      all.append(piece.data(), result.bytes);
      executor_.run();
    }
  }
  // After read(): the other side has ended the stream (in order or not).
  bool ended() {
    read();
    return last_ == http::IoStatus::end || last_ == http::IoStatus::failed;
  }
  void finish_writing() {
    stream_->shutdown_write();
    executor_.run();
  }
  void close() {
    stream_->close();
    executor_.run();
  }

 private:
  std::unique_ptr<http::ByteStream> stream_;
  TestExecutor& executor_;
  http::IoStatus last_ = http::IoStatus::again;
};

}  // namespace countersign::testing
