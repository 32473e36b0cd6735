// Third-party vectors, which lie beside the repository and are never copied into it.

#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "core/json.h"

namespace countersign::testing {

// The document, or nullopt if the vectors are not there. A file that is there but cannot be read
// fails the test.
inline std::optional<Json> read_vectors(const std::string& name) {
  const std::filesystem::path path =
      std::filesystem::path(COUNTERSIGN_SOURCE_DIR) / ".." / "shared" / "vectors" / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto document = parse_json(text, {.bytes_max = 4 * 1024 * 1024, .depth_max = 32});
  if (!document) {
    ADD_FAILURE() << path << ": " << document.error().for_log();
    return std::nullopt;
  }
  return *std::move(document);
}

inline std::string text_of(const Json& object, const char* name) {
  return object.at(name).get<std::string>();
}

}  // namespace countersign::testing

// Declares `name` as the document, or skips the test.
#define CS_VECTORS(name, file)                                                  \
  const auto name##_read = countersign::testing::read_vectors(file);            \
  if (!name##_read) GTEST_SKIP() << "no vectors at ../shared/vectors/" << file; \
  const Json& name = *name##_read
