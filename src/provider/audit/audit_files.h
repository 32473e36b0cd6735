// The files of one audit log: PATH, which is written, and those that rotation set aside, named
// PATH.SUFFIX. Which there are, in which order, and how each ends.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "provider/audit/audit_chain.h"

namespace countersign::provider {

// No line of ours is longer: texts from outside are cut (audit_record.h).
inline constexpr size_t audit_line_bytes_max = 256 * 1024;

// Beside PATH: the lock that writers hold, the newest checkpoint, the key that is made when none is
// configured, and its public half. All else named PATH.SUFFIX is taken for a part of the log.
std::string lock_path(const std::string& path);
std::string head_path(const std::string& path);
std::string key_path(const std::string& path);
std::string public_key_path(const std::string& path);

// How a file ends.
struct FileTail {
  uint64_t bytes = 0;
  std::optional<ChainPoint> head;  // of the last chained line; nullopt: there is none near the end
  std::string torn;                // what stands behind the last line feed
};
// `audit.unreadable`.
Result<FileTail> read_tail(int descriptor);

// How a file begins: the number that its first line carries, and the number of the file itself.
struct FileStart {
  uint64_t first_line = 0;   // 0: its first line is not a chained one
  uint64_t file_number = 0;  // 0: its first line is no checkpoint
};
FileStart read_start(int descriptor);

struct AuditFileName {
  std::string path;
  FileStart start;
};
// Those there are, the oldest first; the one that is written comes last. Files that begin without a
// chained line come first of all, by name. Empty if there are none.
std::vector<AuditFileName> list_audit_files(const std::string& path);

// Where a log whose PATH is not there, or empty, goes on: behind the highest line of the files that
// were set aside, or behind the newest checkpoint, whichever is later.
ChainPoint find_chain_head(const std::string& path);
// The newest checkpoint that was written, from its file; as made if there is none.
ChainPoint read_head_file(const std::string& path);

}  // namespace countersign::provider
