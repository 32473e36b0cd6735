#include "provider/audit/audit_sink.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::provider {

namespace {

// A line that a crash or a full disk cut off must not swallow the next one.
bool ends_within_a_line(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
    return false;
  }
  char last = '\n';
  return pread(descriptor, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

Result<int> open_for_append(const std::string& path) {
  // Readable too, to look at the last byte. Only the owner may read what clients did.
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorKind::misconfigured, "audit.open_failed", "The audit log cannot be opened.",
                path + ": " + std::strerror(errno));
  }
  if (ends_within_a_line(descriptor) && ::write(descriptor, "\n", 1) != 1) {
    const int error_code = errno;
    ::close(descriptor);
    return fail(ErrorKind::misconfigured, "audit.open_failed", "The audit log cannot be written.",
                path + ": " + std::strerror(error_code));
  }
  return descriptor;
}

}  // namespace

Result<std::unique_ptr<AuditFile>> AuditFile::open(std::string path) {
  CS_TRY(const int descriptor, open_for_append(path));
  return std::unique_ptr<AuditFile>(new AuditFile(std::move(path), descriptor));
}

AuditFile::~AuditFile() {
  ::close(descriptor_);
}

AuditSink::Written AuditFile::append(std::string_view bytes) {
  Written written;
  while (written.bytes < bytes.size()) {
    const ssize_t moved =
        ::write(descriptor_, bytes.data() + written.bytes, bytes.size() - written.bytes);
    if (moved > 0) {
      written.bytes += static_cast<size_t>(moved);
    } else if (moved == 0 || errno != EINTR) {
      written.error_code = moved == 0 ? EIO : errno;
      break;
    }
  }
  return written;
}

Result<void> AuditFile::reopen() {
  CS_TRY(const int descriptor, open_for_append(path_));
  ::close(descriptor_);
  descriptor_ = descriptor;
  return {};
}

}  // namespace countersign::provider
