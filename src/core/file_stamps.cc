#include "core/file_stamps.h"

#include <sys/stat.h>

namespace countersign {

std::vector<FileStamp> look_at(const std::vector<std::filesystem::path>& paths) {
  std::vector<FileStamp> stamps;
  stamps.reserve(paths.size());
  for (const std::filesystem::path& path : paths) {
    struct stat status{};
    FileStamp& stamp = stamps.emplace_back();
    if (::stat(path.c_str(), &status) != 0) continue;
    constexpr int64_t nanoseconds = 1'000'000'000;
    stamp = {.device = status.st_dev,
             .inode = status.st_ino,
             .bytes = static_cast<uint64_t>(status.st_size),
             .changed_ns = status.st_ctim.tv_sec * nanoseconds + status.st_ctim.tv_nsec};
  }
  return stamps;
}

}  // namespace countersign
