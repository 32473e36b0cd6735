// Whether files have changed since one looked: by size, time of change and place on disk, through
// symbolic links (that is how mounted secrets are swapped). Reads no contents. A file that is
// replaced by another of the same size within the clock's resolution goes unnoticed only if it
// takes the same inode too.

#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace countersign {

struct FileStamp {
  uint64_t device = 0;  // all 0: the file is not there, or cannot be looked at
  uint64_t inode = 0;
  uint64_t bytes = 0;
  int64_t changed_ns = 0;  // of contents or attributes, since 1970

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// One for each path, in order. Blocks for as long as the file system does.
std::vector<FileStamp> look_at(const std::vector<std::filesystem::path>& paths);

}  // namespace countersign
