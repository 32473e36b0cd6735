// Secret: bytes that must not be seen. Zeroed when destroyed, compared in constant time, never
// printed: there is no operator<<, no formatter, no implicit conversion. Reading takes
// unsafe_reveal(), which can be grepped for.

#pragma once

#include <string>
#include <string_view>

#include "core/bytes.h"

namespace countersign {

class Secret final {
 public:
  Secret() = default;
  // Takes the bytes over and zeroes what it was given.
  static Secret take(std::string&& text);
  static Secret take(Bytes&& bytes);
  // Copies; the caller keeps responsibility for the original.
  static Secret copy_of(std::string_view text);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret& other) = default;
  Secret& operator=(const Secret& other);
  ~Secret();

  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }

  // The bytes, valid while this Secret lives and is not assigned to.
  ByteView unsafe_reveal() const { return bytes_; }
  std::string_view unsafe_reveal_text() const { return as_text(bytes_); }

  friend bool operator==(const Secret& a, const Secret& b) {
    return equal_in_constant_time(a.bytes_, b.bytes_);
  }

 private:
  void wipe();
  Bytes bytes_;
};

// Zeroes the whole buffer (its capacity too) in a way the compiler keeps, then empties it.
void wipe(std::string& text);
void wipe(Bytes& bytes);

}  // namespace countersign
