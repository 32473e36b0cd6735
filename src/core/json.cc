#include "core/json.h"

#include <algorithm>
#include <set>
#include <vector>

namespace countersign {
namespace {

// Watches a document while it is parsed: what repeats a name or goes too deep is remembered, and
// from then on nothing more is kept.
class Guard final {
 public:
  explicit Guard(int depth_max) : depth_max_(depth_max) {}

  std::string_view refusal() const { return refusal_; }

  // False: the value is not kept.
  bool see(Json::parse_event_t event, const Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        enter();
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        --depth_;
        break;
      case Json::parse_event_t::key:
        take_name(value.get_ref<const std::string&>());
        break;
      case Json::parse_event_t::value:
        break;
    }
    return refusal_.empty();
  }

 private:
  // The names of one object. Few are compared one by one: most objects are small, and most names
  // need no heap.
  struct Names {
    std::vector<std::string> few;
    std::set<std::string, std::less<>> many;

    bool insert(const std::string& name) {
      constexpr size_t few_max = 16;
      if (many.empty() && few.size() < few_max) {
        if (std::ranges::find(few, name) != few.end()) return false;
        few.push_back(name);
        return true;
      }
      if (many.empty()) many.insert(few.begin(), few.end());
      return many.insert(name).second;
    }
    void clear() {
      few.clear();
      many.clear();
    }
  };

  void enter() {
    if (++depth_ > depth_max_) {
      refuse("json.too_deep");
      return;
    }
    if (names_.size() < static_cast<size_t>(depth_)) names_.emplace_back();
    names_[static_cast<size_t>(depth_ - 1)].clear();
  }
  void take_name(const std::string& name) {
    if (!refusal_.empty()) return;
    if (!names_[static_cast<size_t>(depth_ - 1)].insert(name)) refuse("json.duplicate_member");
  }
  void refuse(std::string_view code) {
    if (refusal_.empty()) refusal_ = code;
  }

  int depth_max_;
  int depth_ = 0;
  std::vector<Names> names_;
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
  const auto watch = [&guard](int, Json::parse_event_t event, Json& value) {
    return guard.see(event, value);
  };
  Json document = Json::parse(text, watch, /*allow_exceptions=*/false);
  const std::string_view refusal = !guard.refusal().empty()  ? guard.refusal()
                                   : document.is_discarded() ? "json.malformed"
                                                             : "";
  if (!refusal.empty()) return fail(ErrorKind::invalid_input, refusal, explain(refusal));
  return document;
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
