// Small public text files read whole: certificates, examples. Secrets come by core/secret_file.h.

#pragma once

#include <filesystem>
#include <string>

#include "core/result.h"

namespace countersign {

inline constexpr size_t text_file_bytes_max = 1 << 20;

// The bytes. `file.unreadable` (misconfigured) names the file: missing, not readable, empty, or
// larger than 1 MiB.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace countersign
