#include "core/json.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace countersign {
namespace {

// Builds the document as the library's parser reports it, and stops it at what repeats a name or
// goes too deep. Members are appended, so that an object of n members costs n steps.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(int depth_max) : depth_max_(depth_max) {}

  Json take() { return std::move(root_); }
  std::string_view refusal() const { return refusal_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return refuse("json.malformed"); }  // not in JSON
  bool start_object(size_t /*count*/) override { return enter(Json::value_t::object); }
  bool end_object() override { return leave(); }
  bool start_array(size_t /*count*/) override { return enter(Json::value_t::array); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    Level& level = levels_[depth_ - 1];
    if (!level.take_name(name)) return refuse("json.duplicate_member");
    auto& members = level.value->get_ref<Json::object_t&>();
    members.emplace_back(std::move(name), nullptr);
    return true;
  }
  bool parse_error(size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return refuse("json.malformed");
  }

 private:
  // An object or array that is open.
  struct Level {
    Json* value = nullptr;
    std::set<std::string, std::less<>> many;  // the names of an object that has more than a few

    // Few are compared one by one: most objects are small.
    bool take_name(const std::string& name) {
      constexpr size_t few_max = 16;
      const auto& members = value->get_ref<const Json::object_t&>();
      if (members.size() < few_max) {
        return std::ranges::find(members, name, [](const auto& m) -> const std::string& {
                 return m.first;
               }) == members.end();
      }
      if (many.empty()) {
        for (const auto& [taken, ignored] : members) many.insert(taken);
      }
      return many.insert(name).second;
    }
  };

  // Where the next value belongs. The open levels' values stay where they are: what holds them does
  // not grow while they are open.
  Json& place() {
    if (depth_ == 0) return root_;
    Json& open = *levels_[depth_ - 1].value;
    if (open.is_object()) return open.get_ref<Json::object_t&>().back().second;
    return open.get_ref<Json::array_t&>().emplace_back();
  }
  template <typename Value>
  bool add(Value&& value) {
    place() = std::forward<Value>(value);
    return true;
  }
  bool enter(Json::value_t kind) {
    if (depth_ >= static_cast<size_t>(depth_max_)) return refuse("json.too_deep");
    Json& value = place();
    value = Json(kind);
    if (levels_.size() == depth_) levels_.emplace_back();
    levels_[depth_].value = &value;
    levels_[depth_].many.clear();
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  // False, which ends the parser.
  bool refuse(std::string_view code) {
    refusal_ = code;
    return false;
  }

  size_t depth_ = 0;
  int depth_max_;
  std::vector<Level> levels_;  // the first depth_ are open
  Json root_;
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
  Builder builder(limits.depth_max);
  if (!Json::sax_parse(text, &builder)) {
    return fail(ErrorKind::invalid_input, builder.refusal(), explain(builder.refusal()));
  }
  return builder.take();
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
