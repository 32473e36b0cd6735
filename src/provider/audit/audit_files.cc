#include "provider/audit/audit_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::provider {
namespace {

namespace fs = std::filesystem;

// Closes what it was given.
class Descriptor final {
 public:
  explicit Descriptor(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<std::string> read_range(int descriptor, uint64_t from, size_t bytes) {
  std::string text(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    const ssize_t moved =
        ::pread(descriptor, text.data() + have, bytes - have, static_cast<off_t>(from + have));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) {
      return fail(ErrorKind::unavailable, "audit.unreadable", "The audit log cannot be read.",
                  std::strerror(errno));
    }
    if (moved == 0) break;
    have += static_cast<size_t>(moved);
  }
  text.resize(have);
  return text;
}

// The last chained line in `lines`, which end with a line feed.
std::optional<ChainPoint> last_chained(std::string_view lines) {
  while (!lines.empty()) {
    lines.remove_suffix(1);
    const size_t start = lines.rfind('\n') + 1;  // npos + 1 is 0
    if (const auto line = parse_chained_line(lines.substr(start))) return line->point;
    lines = lines.substr(0, start);
  }
  return std::nullopt;
}

bool is_part_of_log(std::string_view name, std::string_view base) {
  if (name == base) return true;
  if (!name.starts_with(base) || name.size() < base.size() + 2 || name[base.size()] != '.') {
    return false;
  }
  const std::string_view suffix = name.substr(base.size() + 1);
  for (const std::string_view other : {"lock", "head", "key", "pub", "seen"}) {
    if (suffix == other || suffix.starts_with(std::string(other) + ".")) return false;
  }
  return true;
}

}  // namespace

std::string lock_path(const std::string& path) {
  return path + ".lock";
}
std::string head_path(const std::string& path) {
  return path + ".head";
}
std::string key_path(const std::string& path) {
  return path + ".key";
}
std::string public_key_path(const std::string& path) {
  return path + ".pub";
}

Result<FileTail> read_tail(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    return fail(ErrorKind::unavailable, "audit.unreadable", "The audit log cannot be read.",
                std::strerror(errno));
  }
  FileTail tail{.bytes = static_cast<uint64_t>(status.st_size), .head = {}, .torn = {}};
  // A torn line may be as long as a whole one, and stands behind one.
  for (uint64_t window = 16 * 1024;; window *= 8) {
    window = std::min({window, tail.bytes, uint64_t{2 * audit_line_bytes_max}});
    CS_TRY(const std::string text, read_range(descriptor, tail.bytes - window, window));
    const size_t feed = text.rfind('\n');
    const bool is_whole = window == tail.bytes || window == 2 * audit_line_bytes_max;
    if (feed == std::string::npos && !is_whole) continue;
    const size_t lines_end = feed == std::string::npos ? 0 : feed + 1;
    tail.torn = text.substr(lines_end);
    tail.head = last_chained(std::string_view(text).substr(0, lines_end));
    if (tail.head || is_whole) return tail;
  }
}

FileStart read_start(int descriptor) {
  const auto text = read_range(descriptor, 0, audit_line_bytes_max);
  FileStart start;
  if (!text) return start;
  const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  if (const auto chained = parse_chained_line(line)) start.first_line = chained->point.number;
  if (!is_checkpoint(line)) return start;
  if (const auto checkpoint = parse_checkpoint(line))
    start.file_number = checkpoint->checkpoint.file;
  return start;
}

std::vector<AuditFileName> list_audit_files(const std::string& path) {
  const fs::path whole(path);
  const fs::path folder = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  std::vector<AuditFileName> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_part_of_log(name, whole.filename().string())) continue;
    const Descriptor file(entry->path().string());
    struct stat status{};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    files.push_back({entry->path().string(), read_start(file.get())});
  }
  const auto is_current = [&](const AuditFileName& file) {
    return fs::path(file.path).filename() == whole.filename();
  };
  std::ranges::sort(files, [&](const AuditFileName& a, const AuditFileName& b) {
    if (is_current(a) != is_current(b)) return is_current(b);
    if (a.start.first_line != b.start.first_line) return a.start.first_line < b.start.first_line;
    return a.path < b.path;
  });
  return files;
}

ChainPoint read_head_file(const std::string& path) {
  const Descriptor file(head_path(path));
  if (!file.is_open()) return {};
  const auto tail = read_tail(file.get());
  return tail && tail->head ? *tail->head : ChainPoint{};
}

ChainPoint find_chain_head(const std::string& path) {
  ChainPoint head = read_head_file(path);
  for (const AuditFileName& name : list_audit_files(path)) {
    const Descriptor file(name.path);
    if (!file.is_open()) continue;
    const auto tail = read_tail(file.get());
    if (tail && tail->head && tail->head->number > head.number) head = *tail->head;
  }
  return head;
}

}  // namespace countersign::provider
