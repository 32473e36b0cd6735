#include "provider/audit/audit_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provider/audit/audit_files.h"

namespace countersign::provider {
namespace {

constexpr size_t piece_bytes = 256 * 1024;

std::unexpected<Error> unreadable(std::string_view what) {
  return fail(ErrorKind::not_found, "audit.unreadable", "The audit log cannot be read.", what);
}

}  // namespace

Result<AuditReader> AuditReader::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return unreadable(path + ": " + std::strerror(errno));
  return AuditReader(descriptor);
}

AuditReader::AuditReader(AuditReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      start_(other.start_),
      offset_(other.offset_),
      number_(other.number_),
      counts_(other.counts_) {}

AuditReader::~AuditReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

uint64_t AuditReader::bytes() const {
  struct stat status{};
  return ::fstat(descriptor_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool AuditReader::seek(uint64_t offset) {
  buffer_.clear();
  start_ = 0;
  counts_ = false;
  offset_ = offset == 0 ? 0 : offset - 1;  // a line that begins exactly there counts
  if (offset == 0) return true;
  Line rest;
  const auto skipped = next(rest);
  return skipped && *skipped && !rest.is_torn;
}

// Behind what is there. False at the end of the file.
Result<bool> AuditReader::fill() {
  buffer_.erase(0, start_);
  offset_ += start_;
  start_ = 0;
  const size_t have = buffer_.size();
  buffer_.resize(have + piece_bytes);
  ssize_t moved = 0;
  do {
    moved = ::pread(descriptor_, buffer_.data() + have, piece_bytes,
                    static_cast<off_t>(offset_ + have));
  } while (moved < 0 && errno == EINTR);
  const int error_code = errno;
  buffer_.resize(have + static_cast<size_t>(moved > 0 ? moved : 0));
  if (moved < 0) return unreadable(std::strerror(error_code));
  return moved > 0;
}

Result<bool> AuditReader::next(Line& line) {
  size_t searched = start_;
  for (;;) {
    const size_t feed = buffer_.find('\n', searched);
    const size_t end = feed == std::string::npos ? buffer_.size() : feed;
    const bool too_long = end - start_ > audit_line_bytes_max;
    if (feed != std::string::npos || too_long) {
      line = {.text = std::string_view(buffer_).substr(start_, end - start_),
              .number = counts_ ? ++number_ : 0,
              .offset = offset_ + start_,
              .is_torn = false,
              .is_cut = too_long};
      start_ = feed == std::string::npos ? end : feed + 1;
      return true;
    }
    const size_t waiting = buffer_.size() - start_;
    CS_TRY(const bool more, fill());
    searched = waiting;
    if (more) continue;
    if (buffer_.empty()) return false;
    line = {.text = buffer_,
            .number = counts_ ? ++number_ : 0,
            .offset = offset_,
            .is_torn = true,
            .is_cut = false};
    start_ = buffer_.size();
    return true;
  }
}

}  // namespace countersign::provider
