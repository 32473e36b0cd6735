// AuditReader: the lines of one file of the audit log, one after the other, in bounded memory.
// Whoever writes meanwhile does not disturb it.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign::provider {

class AuditReader final {
 public:
  // `audit.unreadable` (not_found).
  static Result<AuditReader> open(const std::string& path);
  AuditReader(AuditReader&& other) noexcept;
  AuditReader& operator=(AuditReader&&) = delete;
  ~AuditReader();

  // Goes on at the first line that begins at or behind this offset. False if there is none.
  bool seek(uint64_t offset);

  struct Line {
    std::string_view text;  // without the line feed; valid until the next call
    uint64_t number = 0;    // in the file, from 1 (not known after seek(): 0)
    uint64_t offset = 0;
    bool is_torn = false;  // no line feed follows: the file ends here
    bool is_cut = false;   // longer than any line of ours: only its beginning is in `text`
  };
  // False at the end. `audit.unreadable` if reading fails.
  Result<bool> next(Line& line);

  uint64_t bytes() const;

 private:
  explicit AuditReader(int descriptor) : descriptor_(descriptor) {}
  Result<bool> fill();

  int descriptor_;
  std::string buffer_;
  size_t start_ = 0;     // of what was not given yet
  uint64_t offset_ = 0;  // of the buffer's first byte
  uint64_t number_ = 0;
  bool counts_ = true;
};

}  // namespace countersign::provider
