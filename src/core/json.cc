#include "core/json.h"

#include <set>
#include <vector>

namespace countersign {
namespace {

// A DOM builder that stops at the first duplicate member or at too deep a value.
class Guard final : public nlohmann::json_sax<Json> {
 public:
  explicit Guard(int depth_max) : depth_max_(depth_max) {}

  std::string_view refusal() const { return refusal_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    refusal_ = "json.duplicate_member";
    return false;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    refusal_ = "json.malformed";
    return false;
  }

 private:
  bool enter() {
    names_.emplace_back();
    if (static_cast<int>(names_.size()) <= depth_max_) return true;
    refusal_ = "json.too_deep";
    return false;
  }
  bool leave() {
    names_.pop_back();
    return true;
  }
  int depth_max_;
  std::vector<std::set<std::string>> names_;
  std::string_view refusal_;
};

std::string_view explain(std::string_view code) {
  if (code == "json.duplicate_member") return "a JSON object names a member twice";
  if (code == "json.too_deep") return "the JSON document is nested too deeply";
  return "the body is not a JSON document";
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return fail(ErrorKind::too_large, "json.too_large", "the JSON document is too large");
  }
  // The library would pass over a byte order mark (RFC 8259 §8.1) and take a NUL for the end,
  // whatever follows it.
  if (text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos) {
    return fail(ErrorKind::invalid_input, "json.malformed", explain("json.malformed"));
  }
  Guard guard(limits.depth_max);
  if (!Json::sax_parse(text, &guard)) {
    return fail(ErrorKind::invalid_input, guard.refusal(), explain(guard.refusal()));
  }
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

bool has_member(const Json& object, std::string_view name) {
  return object.is_object() && object.find(name) != object.end();
}

std::optional<std::string> string_member(const Json& object, std::string_view name) {
  if (!has_member(object, name)) return std::nullopt;
  const Json& member = *object.find(name);
  if (!member.is_string()) return std::nullopt;
  return member.get<std::string>();
}

std::optional<int64_t> integer_member(const Json& object, std::string_view name) {
  if (!has_member(object, name)) return std::nullopt;
  const Json& member = *object.find(name);
  if (!member.is_number_integer()) return std::nullopt;
  if (member.is_number_unsigned() && member.get<uint64_t>() > INT64_MAX) return std::nullopt;
  return member.get<int64_t>();
}

std::optional<bool> bool_member(const Json& object, std::string_view name) {
  if (!has_member(object, name)) return std::nullopt;
  const Json& member = *object.find(name);
  if (!member.is_boolean()) return std::nullopt;
  return member.get<bool>();
}

std::string to_text(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_json_string(std::string& out, std::string_view text) {
  const bool plain = [&] {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') return false;
    }
    return true;
  }();
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += to_text(Json(std::string(text)));
  }
}

}  // namespace countersign
