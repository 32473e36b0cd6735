#include "core/config_node.h"

#include <optional>

#include <toml++/toml.h>

#include "core/config_text.h"

namespace countersign {
namespace {

constexpr int depth_max = 16;

// Turns tomlplusplus's tree into ours.
class Converter final {
 public:
  explicit Converter(const std::string& source) : source_(source) {}

  // Where nesting went too deep; 0 if it did not.
  int too_deep_at() const { return too_deep_at_; }

  ConfigNode table(const toml::table& from, int line, int depth) {
    ConfigNode node = at(ConfigKind::table, line);
    if (!enter(line, depth)) return node;
    for (const auto& [key, value] : from) {
      const int key_line = static_cast<int>(key.source().begin.line);
      node.members.emplace(std::string(key.str()), convert(value, key_line, depth + 1));
    }
    return node;
  }

 private:
  ConfigNode at(ConfigKind kind, int line) const {
    ConfigNode node;
    node.kind = kind;
    node.source = source_;
    node.line = line;
    return node;
  }

  bool enter(int line, int depth) {
    if (depth <= depth_max) return true;
    too_deep_at_ = line;
    return false;
  }

  ConfigNode array(const toml::array& from, int line, int depth) {
    ConfigNode node = at(ConfigKind::array, line);
    if (!enter(line, depth)) return node;
    for (const toml::node& item : from) {
      node.items.push_back(convert(item, static_cast<int>(item.source().begin.line), depth + 1));
    }
    return node;
  }

  ConfigNode convert(const toml::node& from, int line, int depth) {
    if (const auto* inner = from.as_table()) return table(*inner, line, depth);
    if (const auto* inner = from.as_array()) return array(*inner, line, depth);
    if (const auto* value = from.as_string()) {
      ConfigNode node = at(ConfigKind::string, line);
      node.text = value->get();
      return node;
    }
    if (const auto* value = from.as_integer()) {
      ConfigNode node = at(ConfigKind::integer, line);
      node.integer = value->get();
      return node;
    }
    if (const auto* value = from.as_boolean()) {
      ConfigNode node = at(ConfigKind::boolean, line);
      node.boolean = value->get();
      return node;
    }
    ConfigNode node = at(ConfigKind::other, line);
    node.text = from.is_floating_point() ? "a number with a fraction" : "a date or time";
    return node;
  }

  const std::string& source_;
  int too_deep_at_ = 0;
};

}  // namespace

std::string ConfigNode::describe() const {
  switch (kind) {
    case ConfigKind::table:
      return "a table";
    case ConfigKind::array:
      return "a list";
    case ConfigKind::string:
      return "a string";
    case ConfigKind::integer:
      return "the number " + std::to_string(integer);
    case ConfigKind::boolean:
      return boolean ? "true" : "false";
    case ConfigKind::other:
      return text;
    case ConfigKind::text:
      return "a single value";
  }
  panic("a ConfigKind without a description");
}

std::expected<ConfigNode, ConfigProblem> parse_config_text(std::string_view text,
                                                           const std::string& source) {
  const auto refused = [&](int line, std::string why) {
    return std::unexpected(ConfigProblem{source, line, "", std::move(why)});
  };
  if (const auto unfit = find_unfit_toml(text)) return refused(unfit->line, unfit->why);
  try {
    const toml::table parsed = toml::parse(text, source);
    Converter converter(source);
    ConfigNode root = converter.table(parsed, 0, 0);
    if (converter.too_deep_at() != 0) {
      return refused(converter.too_deep_at(), "nested too deeply (more than 16 levels)");
    }
    return root;
  } catch (const toml::parse_error& error) {
    return refused(static_cast<int>(error.source().begin.line),
                   "not TOML: " + std::string(error.description()));
  }
}

}  // namespace countersign
