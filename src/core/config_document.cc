#include "core/config_document.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

#include "core/ascii.h"
#include "core/config_value.h"

namespace countersign {
namespace {

constexpr std::string_view variable_prefix = "COUNTERSIGN__";
constexpr std::string_view flag_source = "--set";

std::string join(std::string_view path, std::string_view key) {
  if (path.empty()) return std::string(key);
  return std::string(path) + "." + std::string(key);
}

std::string indexed(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

// "COUNTERSIGN__API__0__CERTIFICATE" → "api[0].certificate".
std::string path_of_variable(std::string_view name) {
  std::string path;
  std::string_view rest = name.substr(variable_prefix.size());
  for (;;) {
    const size_t end = rest.find("__");
    const std::string part = ascii::lower(rest.substr(0, end));
    const bool number = !part.empty() && std::ranges::all_of(part, ascii::is_digit);
    path = number ? path + "[" + part + "]" : join(path, part);
    if (end == std::string_view::npos) return path;
    rest.remove_prefix(end + 2);
  }
}

// One step of a path: a key, or an index.
struct Step {
  std::string key;
  std::optional<size_t> index;
};

std::optional<size_t> parse_index(std::string_view text) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "api[0].certificate" → api, [0], certificate; nullopt if it is not such a path.
std::optional<std::vector<Step>> split_path(std::string_view path) {
  constexpr size_t steps_max = 16;
  std::vector<Step> steps;
  while (steps.size() < steps_max) {
    const size_t end = path.find_first_of(".[");
    const std::string_view key = path.substr(0, end);
    const bool plain =
        std::ranges::all_of(key, [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-'; });
    if (key.empty() || !plain) return std::nullopt;
    steps.push_back({std::string(key), std::nullopt});
    path.remove_prefix(key.size());
    while (path.starts_with('[')) {
      const size_t close = path.find(']');
      if (close == std::string_view::npos) return std::nullopt;
      const auto index = parse_index(path.substr(1, close - 1));
      if (!index) return std::nullopt;
      steps.push_back({"", index});
      path.remove_prefix(close + 1);
    }
    if (path.empty()) return steps;
    if (path.front() != '.') return std::nullopt;
    path.remove_prefix(1);
  }
  return std::nullopt;
}

// The node one step down, made if it is a key that is not there; null where that is impossible.
ConfigNode* descend(ConfigNode& node, const Step& step, const std::string& source) {
  if (step.index) {
    if (node.kind != ConfigKind::array || *step.index >= node.items.size()) return nullptr;
    return &node.items[*step.index];
  }
  if (node.kind != ConfigKind::table) return nullptr;
  const auto [place, added] = node.members.try_emplace(step.key);
  if (added) place->second.source = source;
  return &place->second;
}

void find_unsafe(const ConfigNode& node, const std::string& path, std::vector<std::string>& out) {
  for (const auto& [name, member] : node.members) {
    const bool off = (member.kind == ConfigKind::boolean && !member.boolean) ||
                     (member.kind == ConfigKind::text && member.text == "false");
    const std::string key = join(path, name);
    if (name.starts_with("unsafe_") && !off) {
      out.push_back(ConfigProblem{member.source, member.line, key, ""}.to_string());
    }
    find_unsafe(member, key, out);
  }
  for (size_t i = 0; i < node.items.size(); ++i) find_unsafe(node.items[i], indexed(path, i), out);
}

}  // namespace

std::string ConfigProblem::to_string() const {
  std::string out = source;
  if (line > 0) out += ":" + std::to_string(line);
  for (const std::string& part : {key, text}) {
    if (part.empty()) continue;
    if (!out.empty()) out += ": ";
    out += part;
  }
  return out;
}

ConfigDocument::ConfigDocument(std::filesystem::path file, Environment environment)
    : file_(std::move(file)), environment_(std::move(environment)) {
  root_.source = file_.string();
  note_file(file_);
}

void ConfigDocument::set_text(std::string_view text) {
  auto parsed = parse_config_text(text, file_.string());
  if (parsed) {
    root_ = *std::move(parsed);
    return;
  }
  broken_ = true;
  problems_.push_back(std::move(parsed).error());
}

void ConfigDocument::set_unreadable(std::string why) {
  broken_ = true;
  problems_.push_back({file_.string(), 0, "", std::move(why)});
}

void ConfigDocument::apply(const std::vector<std::string>& flags) {
  if (broken_) return;
  for (const auto& [name, value] : environment_) {
    if (name.starts_with(variable_prefix)) {
      apply_one(path_of_variable(name), value, std::string(name));
    }
  }
  for (const std::string& flag : flags) {
    const size_t equals = flag.find('=');
    if (equals == std::string::npos) {
      problems_.push_back({std::string(flag_source), 0, "", "expected section.key=value"});
      continue;
    }
    apply_one(flag.substr(0, equals), std::string_view(flag).substr(equals + 1),
              std::string(flag_source));
  }
}

void ConfigDocument::apply_one(const std::string& path, std::string_view text,
                               const std::string& source) {
  const auto steps = split_path(path);
  if (!steps) {
    problems_.push_back(
        {source, 0, path, "not the name of a key; expected section.key or section[0].key"});
    return;
  }
  ConfigNode* node = &root_;
  for (const Step& step : *steps) {
    node = descend(*node, step, source);
    if (node == nullptr) {
      problems_.push_back(
          {source, 0, path, "leads nowhere: what it goes through is not in the file"});
      return;
    }
  }
  *node = ConfigNode{};
  node->kind = ConfigKind::text;
  node->source = source;
  node->text = text;
}

ConfigSection ConfigDocument::root() {
  return ConfigSection(*this, &root_, "", broken_);
}

std::string ConfigDocument::path_of(const ConfigSection& section, std::string_view key) {
  return join(section.path_, key);
}

ConfigNode* ConfigDocument::ask(const ConfigSection& section, std::string_view key) {
  asked_[section.path_].emplace(key);
  if (section.table_ == nullptr) return nullptr;
  const auto found = section.table_->members.find(key);
  if (found == section.table_->members.end()) return nullptr;
  found->second.known = true;
  return &found->second;
}

ConfigNode* ConfigDocument::require(const ConfigSection& section, std::string_view key,
                                    std::string_view expected) {
  ConfigNode* const node = ask(section, key);
  if (node == nullptr) note_missing(section, key, expected);
  return node;
}

void ConfigDocument::note(const ConfigNode& place, std::string_view key, std::string text) {
  problems_.push_back({place.source, place.line, std::string(key), std::move(text)});
}

void ConfigDocument::note_missing(const ConfigSection& section, std::string_view key,
                                  std::string_view expected) {
  if (section.muted_) return;
  const bool placed = section.table_ != nullptr && from_file(*section.table_);
  problems_.push_back({file_.string(), placed ? section.table_->line : 0, path_of(section, key),
                       "missing; expected " + std::string(expected)});
}

void ConfigDocument::note_in(const ConfigSection& section, std::string_view key, std::string text) {
  if (section.muted_) return;
  if (const ConfigNode* const node = ask(section, key))
    return note(*node, path_of(section, key), std::move(text));
  note(section.table_ != nullptr ? *section.table_ : root_, path_of(section, key), std::move(text));
}

std::filesystem::path ConfigDocument::resolve(const ConfigNode& place,
                                              const std::string& path) const {
  const std::filesystem::path given(path);
  if (given.is_absolute() || !from_file(place)) return given.lexically_normal();
  return (file_.parent_path() / given).lexically_normal();
}

std::string ConfigDocument::unknown_text(const std::string& path, std::string_view name) const {
  std::string text = "unknown key";
  const auto asked = asked_.find(path);
  if (asked == asked_.end()) return text;
  const std::vector<std::string_view> candidates(asked->second.begin(), asked->second.end());
  if (const auto closest = closest_word(name, candidates)) {
    text += "; did you mean \"" + std::string(*closest) + "\"?";
  }
  return text;
}

void ConfigDocument::find_unknown(const ConfigNode& node, const std::string& path,
                                  std::vector<ConfigProblem>& out) const {
  for (const auto& [name, member] : node.members) {
    if (member.known) {
      find_unknown(member, join(path, name), out);
    } else {
      out.push_back({member.source, member.line, join(path, name), unknown_text(path, name)});
    }
  }
  for (size_t i = 0; i < node.items.size(); ++i) find_unknown(node.items[i], indexed(path, i), out);
}

std::vector<ConfigProblem> ConfigDocument::problems() const {
  std::vector<ConfigProblem> all = problems_;
  if (!broken_) find_unknown(root_, "", all);
  const std::string file = file_.string();
  const auto order = [&](const ConfigProblem& problem) {
    const int source = problem.source == file ? 0 : problem.source == flag_source ? 2 : 1;
    return std::make_tuple(source, problem.line, std::string_view(problem.source),
                           std::string_view(problem.key), std::string_view(problem.text));
  };
  std::ranges::sort(all, {}, order);
  const auto repeated = std::ranges::unique(all, {}, order);
  all.erase(repeated.begin(), repeated.end());
  return all;
}

std::vector<std::string> ConfigDocument::unsafe_options() const {
  std::vector<std::string> places;
  find_unsafe(root_, "", places);
  return places;
}

}  // namespace countersign
