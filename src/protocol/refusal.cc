#include "protocol/refusal.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/json.h"

namespace countersign::protocol {
namespace {

constexpr std::string_view type_prefix = "urn:countersign:reason:";
constexpr size_t body_bytes_max = 16 * 1024;
constexpr size_t code_bytes_max = 64;
constexpr size_t text_bytes_max = 512;

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= code_bytes_max && std::ranges::all_of(text, [](char c) {
    return ascii::is_lower(c) || ascii::is_digit(c) || c == '_';
  });
}

// Cut at a whole UTF-8 character, control characters replaced.
std::string harmless_text(const Json& object, std::string_view name) {
  std::string text = string_member(object, name).value_or("");
  if (text.size() > text_bytes_max) {
    size_t end = text_bytes_max;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
  }
  std::ranges::replace_if(
      text, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string Refusal::type() const {
  return std::string(type_prefix) + reason;
}

std::vector<std::pair<std::string, std::string>> Refusal::members() const {
  std::vector<std::pair<std::string, std::string>> members;
  const auto add = [&members](std::string_view name, const std::string& value) {
    if (!value.empty()) members.emplace_back(name, value);
  };
  add("reason", reason);
  add("advice", advice);
  add("decision_id", decision_id);
  add("source", source);
  return members;
}

Refusal refusal_of(Reason reason, std::string_view decision_id, std::string_view source) {
  const ReasonRow& row = row_of(reason);
  return {.reason = std::string(row.code),
          .status = row.status,
          .title = std::string(row.title),
          .advice = std::string(row.advice),
          .decision_id = std::string(decision_id),
          .source = std::string(source)};
}

Result<Refusal> parse_refusal(std::string_view body) {
  const auto document = parse_json(body, {.bytes_max = body_bytes_max});
  Refusal refusal;
  if (document && document->is_object()) {
    refusal.reason = string_member(*document, "reason").value_or("");
  }
  if (!is_code(refusal.reason)) {
    return fail(ErrorKind::unavailable, "refusal.malformed",
                "The answer is not a problem document with a reason.");
  }
  const int64_t status = integer_member(*document, "status").value_or(0);
  if (status >= 400 && status <= 599) refusal.status = static_cast<int>(status);
  refusal.title = harmless_text(*document, "title");
  refusal.advice = harmless_text(*document, "advice");
  refusal.decision_id = harmless_text(*document, "decision_id");
  refusal.source = harmless_text(*document, "source");
  return refusal;
}

}  // namespace countersign::protocol
