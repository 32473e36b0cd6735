// JSON from outside, read strictly (RFC 8259): UTF-8, no duplicate member names, bounded depth and
// size. Only .cc files that need a document include this header; interfaces use our own types.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.h"

namespace countersign {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  size_t bytes_max = 64 * 1024;  // tokens, metadata and payments are far smaller
  int depth_max = 16;            // deeper documents only serve to exhaust a stack
};

// `json.too_large`, `json.too_deep`, `json.duplicate_member`, `json.malformed`.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// The member as this type; nullopt if it is absent or of another type. Never throws.
std::optional<std::string> string_member(const Json& object, std::string_view name);
std::optional<int64_t> integer_member(const Json& object, std::string_view name);
std::optional<bool> bool_member(const Json& object, std::string_view name);
bool has_member(const Json& object, std::string_view name);

// Compact text. Bytes that are not UTF-8 become U+FFFD, so that writing never fails.
std::string to_text(const Json& document);

// `text` as a JSON string with its quotes: escapes quotes, backslashes, control characters; bytes
// that are not UTF-8 become U+FFFD. For log lines written without a document.
void append_json_string(std::string& out, std::string_view text);

}  // namespace countersign
