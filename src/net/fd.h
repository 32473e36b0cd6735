// Fd: owns one file descriptor. system_error() turns errno into an Error.

#pragma once

#include <string_view>
#include <utility>

#include <unistd.h>

#include "core/error.h"

namespace countersign::net {

class Fd final {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// `doing` says what was tried ("bind 127.0.0.1:80"); the private detail becomes "bind 127.0.0.1:80:
// Permission denied".
Error system_error(ErrorKind kind, std::string_view code, std::string_view public_text,
                   std::string_view doing, int error_number);

}  // namespace countersign::net
