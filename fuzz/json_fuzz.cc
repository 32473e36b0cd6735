// A document that is accepted is written and read back as the same document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string quoted;
  append_json_string(quoted, input);
  const JsonLimits generous{.bytes_max = SIZE_MAX, .depth_max = 16};
  if (!parse_json(quoted, generous)) panic("a string cannot be written");
  const auto document = parse_json(input);
  if (!document) return 0;
  const auto again = parse_json(to_text(*document), generous);
  if (!again || *again != *document) panic("a document changed its meaning");
  string_member(*document, "a");
  integer_member(*document, "a");
  bool_member(*document, "a");
  return 0;
}
