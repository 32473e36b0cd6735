#include "provider/audit/audit_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::provider {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> open_failed(const std::string& path, std::string_view what) {
  return fail(ErrorKind::misconfigured, "audit.open_failed", "The audit log cannot be written.",
              path + ": " + std::string(what));
}

bool is_same_file(int descriptor, const std::string& path) {
  struct stat here{};
  struct stat there{};
  return ::fstat(descriptor, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

// A new name in a folder is on disk only once the folder is.
void sync_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

// Held by one writer at a time, of all processes.
class AuditFile::Lock final {
 public:
  Lock(int descriptor, std::chrono::milliseconds patience) : descriptor_(descriptor) {
    constexpr std::chrono::microseconds pause{500};
    for (auto waited = std::chrono::microseconds(0);; waited += pause) {
      error_code_ = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
      if (held()) return;
      if (error_code_ != EINTR && error_code_ != EWOULDBLOCK) return;
      if (waited >= patience) return;
      ::usleep(static_cast<useconds_t>(pause.count()));
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::flock(descriptor_, LOCK_UN); }
  int error_code() const { return held() ? 0 : error_code_; }

 private:
  bool held() const { return error_code_ == 0; }
  int descriptor_;
  int error_code_ = 0;
};

AuditFile::AuditFile(AuditFileOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), lines_(options_.node) {}

Result<std::unique_ptr<AuditFile>> AuditFile::open(AuditFileOptions options, const Clock& clock) {
  auto file = std::unique_ptr<AuditFile>(new AuditFile(std::move(options), clock));
  const std::string& path = file->options_.path;
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return open_failed(path, "not a regular file");
  }
  file->lock_ = ::open(lock_path(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file->lock_ < 0) return open_failed(lock_path(path), std::strerror(errno));
  if (const auto opened = file->reopen(); !opened) return std::unexpected(opened.error());
  return file;
}

AuditFile::~AuditFile() {
  if (file_ >= 0) {
    if (unsigned_lines_ > 0 && !broken_) {
      const Lock lock(lock_, options_.lock_patience);
      if (lock.error_code() == 0 && follow() == 0) write_lines({}, /*with_checkpoint=*/true);
    }
    sync();
    ::close(file_);
  }
  if (lock_ >= 0) ::close(lock_);
}

int AuditFile::append(std::string_view lines) {
  if (lines.empty() && !broken_ && !checkpoint_is_due()) return 0;
  const Lock lock(lock_, options_.lock_patience);
  int error_code = lock.error_code();
  if (error_code == 0) error_code = follow();
  if (error_code == 0 && distrusted_) error_code = rotate();
  if (error_code == 0) error_code = write_lines(lines, checkpoint_is_due() || broken_);
  if (error_code == 0 && options_.rotate_bytes > 0 && end_ >= options_.rotate_bytes) rotate();
  broken_ = error_code != 0;
  return error_code;
}

int AuditFile::sync() {
  if (::fdatasync(file_) != 0) {
    // The kernel may have dropped what it could not write, and says so once only.
    distrusted_ = true;
    return errno;
  }
  if (std::exchange(folder_is_due_, false)) sync_folder_of(options_.path);
  if (head_is_due_) {
    const Lock lock(lock_, options_.lock_patience);
    if (lock.error_code() == 0) write_head_file();
  }
  return 0;
}

Result<void> AuditFile::reopen() {
  int error_code = write_opening();
  // Not under the lock: other writers need not wait for this one's disk.
  if (error_code == 0) error_code = sync();
  if (error_code != 0) return open_failed(options_.path, std::strerror(error_code));
  return {};
}

// The file that is at the path now, and a line that says so.
int AuditFile::write_opening() {
  const Lock lock(lock_, options_.lock_patience);
  int error_code = lock.error_code();
  if (error_code == 0) {
    const bool is_first = file_ < 0;
    error_code = is_first || !is_same_file(file_, options_.path) ? open_path() : follow();
  }
  if (error_code != 0) return error_code;
  std::string line;
  lines_.append(line, {.event = AuditEvent::log_opened}, clock_.wall_now());
  return write_lines(line, /*with_checkpoint=*/true);
}

// Makes file_, end_ and chain_ those of the file that is at the path now.
int AuditFile::follow() {
  if (!is_same_file(file_, options_.path)) {
    // Somebody set it aside. If there is no way to make a new one, the old one goes on.
    open_path();
  }
  struct stat status{};
  if (::fstat(file_, &status) != 0) return errno;
  if (static_cast<uint64_t>(status.st_size) != end_) {
    if (const int error_code = take_over_tail(); error_code != 0) return error_code;
  }
  return begin_file();
}

int AuditFile::open_path() {
  // Readable too, to look at the end. Only the owner may read what clients did.
  const int opened = ::open(options_.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (opened < 0) return errno;
  if (file_ >= 0) {
    // Others may have written to the old one before it was renamed.
    if (const auto tail = read_tail(file_); tail && tail->head) {
      if (tail->head->number > chain_.head().number) chain_.continue_from(*tail->head);
    }
    ::fdatasync(file_);  // nothing of it is synced any more
    ::close(file_);
  } else {
    chain_.continue_from(find_chain_head(options_.path));
  }
  file_ = opened;
  file_number_ = read_start(file_).file_number;
  if (file_number_ == 0) {
    for (const AuditFileName& name : list_audit_files(options_.path)) {
      file_number_ = std::max(file_number_, name.start.file_number);
    }
    ++file_number_;
  }
  int error_code = take_over_tail();
  if (error_code == 0) error_code = begin_file();
  folder_is_due_ = true;
  return error_code;
}

// A file can be verified from its first line on, because that is a checkpoint.
int AuditFile::begin_file() {
  return end_ > 0 ? 0 : write_lines({}, /*with_checkpoint=*/true);
}

// Others have written, or it is a file that we have not seen: where does it end? The chain never
// goes back: lines that are missing from the end are a gap that the next one shows.
int AuditFile::take_over_tail() {
  auto tail = read_tail(file_);
  if (!tail) return EIO;
  if (tail->head && tail->head->number >= chain_.head().number) {
    if (tail->head->number > chain_.head().number) unsigned_lines_ = 1;
    chain_.continue_from(*tail->head);
  }
  end_ = tail->bytes;
  if (tail->torn.empty()) return 0;
  std::string text = "\n";
  const auto whole = parse_chained_line(tail->torn);
  if (whole && whole->point.number == chain_.head().number + 1) {
    chain_.continue_from(whole->point);  // only its line feed is missing
    return write_text(text);
  }
  const std::string detail = fmt::format("{} bytes, SHA-256 {}", tail->torn.size(),
                                         encode_hex(crypto::sha256(as_bytes(tail->torn))));
  const ChainPoint before = chain_.head();
  std::string line;
  lines_.append(line, {.event = AuditEvent::log_repaired, .detail = detail}, clock_.wall_now());
  chain_.append(text, line);
  const int error_code = write_text(text);
  if (error_code != 0) {
    chain_.continue_from(before);
  } else {
    ++unsigned_lines_;
  }
  return error_code;
}

bool AuditFile::checkpoint_is_due() const {
  return unsigned_lines_ > 0 && clock_.boot_now() - last_checkpoint_ >= options_.checkpoint_every;
}

int AuditFile::add_checkpoint(std::string& out) {
  const std::string time = lines_.time_text(clock_.wall_now());
  const auto line = write_checkpoint({.file = file_number_, .previous = chain_.head()},
                                     options_.key, options_.node, time);
  if (!line) return EIO;
  const size_t start = out.size();
  chain_.append(out, *line);
  last_checkpoint_line_ = out.substr(start);
  return 0;
}

int AuditFile::write_lines(std::string_view lines, bool with_checkpoint) {
  const ChainPoint before = chain_.head();
  std::string out;
  out.reserve(lines.size() + lines.size() / 4 + 1024);
  uint64_t count = 0;
  while (!lines.empty()) {
    const size_t end = lines.find('\n') + 1;
    chain_.append(out, lines.substr(0, end));
    lines.remove_prefix(end);
    ++count;
  }
  int error_code = with_checkpoint ? add_checkpoint(out) : 0;
  if (error_code == 0 && !out.empty()) error_code = write_text(out);
  if (error_code != 0) {
    chain_.continue_from(before);
    return error_code;
  }
  unsigned_lines_ += count;
  if (with_checkpoint) {
    unsigned_lines_ = 0;
    last_checkpoint_ = clock_.boot_now();
    head_is_due_ = true;
  }
  return 0;
}

// All of it or nothing.
int AuditFile::write_text(std::string_view text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t moved = ::write(file_, text.data() + written, text.size() - written);
    if (moved > 0) {
      written += static_cast<size_t>(moved);
    } else if (moved == 0 || errno != EINTR) {
      const int error_code = moved == 0 ? EIO : errno;
      // If it cannot be taken back, the next append finds a torn line and repairs it.
      if (written > 0) (void)!::ftruncate(file_, static_cast<off_t>(end_));
      return error_code;
    }
  }
  end_ += written;
  return 0;
}

// Ends this file with a checkpoint, sets it aside under its number and begins the next.
int AuditFile::rotate() {
  int error_code = distrusted_ ? 0 : write_lines({}, /*with_checkpoint=*/true);
  if (error_code == 0 && !distrusted_ && ::fdatasync(file_) != 0) error_code = errno;
  if (error_code != 0) return error_code;
  std::string aside = fmt::format("{}.{:06}", options_.path, file_number_);
  for (int other = 2; ::access(aside.c_str(), F_OK) == 0; ++other) {
    aside = fmt::format("{}.{:06}-{}", options_.path, file_number_, other);
  }
  if (::rename(options_.path.c_str(), aside.c_str()) != 0) return errno;
  error_code = open_path();
  if (error_code != 0) return error_code;
  distrusted_ = false;
  prune();
  return 0;
}

void AuditFile::prune() {
  if (options_.keep_files == 0) return;
  auto files = list_audit_files(options_.path);
  if (files.empty()) return;
  files.pop_back();  // the one that is written
  for (size_t i = 0; files.size() - i > options_.keep_files; ++i) {
    const std::string name = fs::path(files[i].path).filename().string();
    const uint64_t next_first = i + 1 < files.size() ? files[i + 1].start.first_line : uint64_t{0};
    const std::string through = next_first > 0 ? std::to_string(next_first - 1) : "";
    std::string line;
    lines_.append(line, {.event = AuditEvent::log_pruned, .subject = name, .detail = through},
                  clock_.wall_now());
    // Recorded first: a file that is gone without a line about it is one that somebody took.
    if (write_lines(line, /*with_checkpoint=*/false) != 0 || ::fdatasync(file_) != 0) return;
    ::unlink(files[i].path.c_str());
  }
}

// Replaced as a whole, and only after the log itself is on disk: it never names a line that a power
// cut can take.
int AuditFile::write_head_file() {
  const std::string path = head_path(options_.path);
  const std::string fresh = path + ".new";
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno;
  const ssize_t moved =
      ::write(descriptor, last_checkpoint_line_.data(), last_checkpoint_line_.size());
  ::close(descriptor);
  if (moved != static_cast<ssize_t>(last_checkpoint_line_.size())) return EIO;
  // Another writer's may be newer than ours.
  const auto ours = parse_chained_line(
      std::string_view(last_checkpoint_line_).substr(0, last_checkpoint_line_.size() - 1));
  if (ours && read_head_file(options_.path).number > ours->point.number) {
    head_is_due_ = false;
    return 0;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno;
  head_is_due_ = false;
  return 0;
}

}  // namespace countersign::provider
