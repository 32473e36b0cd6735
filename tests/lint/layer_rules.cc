// Who includes whom: tools/layers.toml and its check.

#include <algorithm>
#include <functional>
#include <optional>

#include "core/config.h"
#include "rules.h"

namespace countersign::lint {
namespace {

struct Include {
  int line;
  bool quoted;  // "core/x.h", not <x>
  std::string target;
};

std::vector<Include> includes_of(const SourceText& source) {
  std::vector<Include> found;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    if (!source.code[i].starts_with("#include")) continue;
    const std::string& line = source.lines[i];
    const size_t open = line.find_first_of("<\"");
    if (open == std::string::npos) continue;
    const size_t close = line.find_first_of(">\"", open + 1);
    found.push_back(
        {static_cast<int>(i) + 1, line[open] == '"', line.substr(open + 1, close - open - 1)});
  }
  return found;
}

std::optional<std::string> layer_of(const std::string& path, const LayerTable& table) {
  for (const auto& [layer, folder] : table.folders) {
    if (path.starts_with(folder)) return layer;
  }
  return std::nullopt;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing else" : text;
}

void check_layer(const SourceText& source, const Include& include, const std::string& layer,
                 const LayerTable& table, Violations& out) {
  const size_t slash = include.target.find('/');
  if (slash == std::string::npos) return;  // beside it
  const std::string other = include.target.substr(0, slash);
  const auto& allowed = table.allowed.at(layer);
  const bool test_only = other == "support" || is_test_path(include.target);
  if (test_only && !source.is_test()) {
    out.push_back({source.path, include.line, "includes " + include.target + ", which is for tests",
                   "what a program needs is not made of test code"});
  }
  if (other == layer || other == "support" || allowed.contains(other)) return;
  const std::string what = table.allowed.contains(other)
                               ? layer + " includes " + other + " (" + include.target + ")"
                               : "\"" + other + "\" is not a layer (" + include.target + ")";
  out.push_back({source.path, include.line, what,
                 layer + " may include " + listed(allowed) +
                     " (tools/layers.toml): hand in an interface, or move the code down"});
}

void check_library(const SourceText& source, const Include& include, const LayerTable& table,
                   Violations& out) {
  for (const LibraryRule& rule : table.libraries) {
    if (!include.target.starts_with(rule.prefix)) continue;
    const bool allowed = std::ranges::any_of(
        rule.files, [&](const std::string& pattern) { return matches(pattern, source.path); });
    if (!allowed) {
      out.push_back({source.path, include.line, "includes <" + include.target + ">", rule.why});
    } else if (source.is_header() && !rule.files.contains(source.path)) {
      out.push_back({source.path, include.line, "a header includes <" + include.target + ">",
                     "include it in the .cc file; forward-declare what the header needs"});
    }
  }
}

}  // namespace

Result<LayerTable> read_layer_table(std::string_view text) {
  auto config = ConfigReader::parse(text, "tools/layers.toml");
  LayerTable table;
  for (const ConfigSection& entry : config.root().tables("layer")) {
    const std::string name = entry.string("name");
    const auto allowed = entry.strings("includes", {});
    table.allowed[name] = {allowed.begin(), allowed.end()};
    table.folders[name] = entry.string("folder", "src/" + name + "/");
  }
  for (const ConfigSection& entry : config.root().tables("library")) {
    const auto files = entry.strings("files");
    table.libraries.push_back(
        {entry.string("header"), {files.begin(), files.end()}, entry.string("why")});
  }
  const auto cc_only = config.root().strings("cc_only", {});
  table.cc_only = {cc_only.begin(), cc_only.end()};
  CS_CHECK(config.finish());
  return table;
}

Violations check_layer_table(const LayerTable& table) {
  Violations out;
  const auto report = [&](const std::string& what) {
    out.push_back({"tools/layers.toml", 0, what,
                   "the layers form an order: lower ones know nothing of higher"});
  };
  // Depth first; a layer met again on the way down is a circle.
  std::set<std::string> done;
  std::vector<std::string> way;
  const std::function<void(const std::string&)> visit = [&](const std::string& layer) {
    if (std::ranges::find(way, layer) != way.end())
      return report(layer + " includes itself through others");
    if (!done.insert(layer).second) return;
    way.push_back(layer);
    for (const std::string& other : table.allowed.at(layer)) {
      if (table.allowed.contains(other)) {
        visit(other);
      } else {
        report(layer + " may include \"" + other + "\", which is not a layer");
      }
    }
    way.pop_back();
  };
  for (const auto& [layer, allowed] : table.allowed) visit(layer);
  return out;
}

Violations check_includes(const SourceText& source, const LayerTable& table) {
  Violations out;
  const auto layer = layer_of(source.path, table);
  for (const Include& include : includes_of(source)) {
    if (layer && include.quoted) check_layer(source, include, *layer, table, out);
    if (!include.quoted) check_library(source, include, table, out);
    if (include.quoted && source.is_header() && !source.is_test() &&
        table.cc_only.contains(include.target)) {
      out.push_back({source.path, include.line, "a header includes \"" + include.target + "\"",
                     "include it in the .cc file: it brings in a large library"});
    }
  }
  return out;
}

}  // namespace countersign::lint
