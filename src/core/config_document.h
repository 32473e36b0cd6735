// What a ConfigReader and its sections share: the tree, what was asked for, what is wrong. Not for
// users of the configuration: they read through core/config.h.

#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/config_node.h"

namespace countersign {

class ConfigDocument final {
 public:
  ConfigDocument(std::filesystem::path file, Environment environment);

  // One of these comes first.
  void set_text(std::string_view text);
  void set_unreadable(std::string why);

  // Lays COUNTERSIGN__… variables, then flags over the file.
  void apply(const std::vector<std::string>& flags);

  ConfigSection root();
  const Environment& environment() const { return environment_; }

  // The key's node, or null; the key is known from here on.
  ConfigNode* ask(const ConfigSection& section, std::string_view key);
  // The same; an absent key is a problem.
  ConfigNode* require(const ConfigSection& section, std::string_view key,
                      std::string_view expected);

  void note(const ConfigNode& place, std::string_view key, std::string text);
  void note_missing(const ConfigSection& section, std::string_view key, std::string_view expected);
  // At the key if it is there, else at the section.
  void note_in(const ConfigSection& section, std::string_view key, std::string text);

  // "api[0].certificate"
  static std::string path_of(const ConfigSection& section, std::string_view key);
  // Against the file's folder, or the current one for what does not come from the file.
  std::filesystem::path resolve(const ConfigNode& place, const std::string& path) const;

  void note_file(const std::filesystem::path& path) { files_.insert(path); }
  const std::set<std::filesystem::path>& files() const { return files_; }

  size_t problem_count() const { return problems_.size(); }
  // Those noted and the keys nobody asked for, in order.
  std::vector<ConfigProblem> problems() const;
  std::vector<std::string> unsafe_options() const;

 private:
  void apply_one(const std::string& path, std::string_view text, const std::string& source);
  void find_unknown(const ConfigNode& table, const std::string& path,
                    std::vector<ConfigProblem>& out) const;
  std::string unknown_text(const std::string& path, std::string_view name) const;
  bool from_file(const ConfigNode& node) const { return node.line > 0; }

  std::filesystem::path file_;
  Environment environment_;
  ConfigNode root_;
  bool broken_ = false;  // not readable or not TOML: nothing but that is told
  std::vector<ConfigProblem> problems_;
  std::set<std::filesystem::path> files_;
  // By table ("api[0]"): the keys somebody asked for, present or not.
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> asked_;
};

}  // namespace countersign
