#include "core/text_file.h"

#include <fstream>

namespace countersign {

Result<std::string> read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(text_file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto got = static_cast<size_t>(file.gcount());
  if (got == 0 || got > text_file_bytes_max) {
    return fail(ErrorKind::misconfigured, "file.unreadable",
                path.string() + ": cannot be read, is empty, or is larger than 1 MiB");
  }
  text.resize(got);
  return text;
}

}  // namespace countersign
