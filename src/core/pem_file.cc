#include "core/pem_file.h"

#include "core/text_file.h"

namespace countersign {

std::string read_pem(const ConfigSection& section, std::string_view key,
                     std::string_view expected) {
  const std::filesystem::path path = section.file(key, expected);
  if (path.empty()) return {};
  auto text = read_text_file(path);
  if (text) return *std::move(text);
  section.problem(key, text.error().public_text);
  return {};
}

}  // namespace countersign
