// Is it UTF-8? Byte by byte, by the table of RFC 3629 §4: no overlong forms, no surrogates, nothing
// above U+10FFFF.

#pragma once

#include <cstdint>

namespace countersign::http {

class Utf8Check final {
 public:
  // False as soon as the bytes so far cannot be UTF-8; it stays so.
  bool add(uint8_t byte) {
    if (failed_) return false;
    if (missing_ == 0) {
      begin(byte);
    } else if (byte < low_ || byte > high_) {
      failed_ = true;
    } else {
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
    }
    return !failed_;
  }
  // True if the bytes so far are whole characters.
  bool complete() const { return !failed_ && missing_ == 0; }

 private:
  // What may follow the first byte is narrower for some, which is what excludes the forms named
  // above.
  void begin(uint8_t byte) {
    low_ = 0x80;
    high_ = 0xbf;
    if (byte < 0x80) return;
    if (byte < 0xc2 || byte > 0xf4) {
      failed_ = true;
      return;
    }
    missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
  }

  int missing_ = 0;
  uint8_t low_ = 0x80;
  uint8_t high_ = 0xbf;
  bool failed_ = false;
};

}  // namespace countersign::http
