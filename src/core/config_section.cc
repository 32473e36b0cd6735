// The structure of a section: presence, tables, arrays, secrets. Typed values: config_getters.cc.

#include <algorithm>

#include "core/config.h"
#include "core/config_document.h"
#include "core/secret_file.h"

namespace countersign {
namespace {

void mark_known(ConfigNode& node) {
  node.known = true;
  for (auto& [name, member] : node.members) mark_known(member);
  for (ConfigNode& item : node.items) mark_known(item);
}

constexpr std::string_view file_suffix = "_file";
constexpr std::string_view credential_suffix = "_credential";
constexpr std::string_view variable_suffix = "_env";

}  // namespace

bool ConfigSection::has(std::string_view key) const {
  return document_->ask(*this, key) != nullptr;
}

void ConfigSection::problem(std::string_view key, std::string_view text) const {
  document_->note_in(*this, key, std::string(text));
}

void ConfigSection::skip(std::string_view key) const {
  if (ConfigNode* const node = document_->ask(*this, key)) mark_known(*node);
}

std::vector<std::string> ConfigSection::keys() const {
  std::vector<std::string> names;
  if (table_ == nullptr) return names;
  for (const auto& [name, member] : table_->members) names.push_back(name);
  return names;
}

ConfigSection ConfigSection::section(std::string_view key) const {
  const std::string path = ConfigDocument::path_of(*this, key);
  ConfigNode* const node = document_->ask(*this, key);
  if (node == nullptr) return ConfigSection(*document_, nullptr, path, muted_);
  if (node->kind == ConfigKind::table) return ConfigSection(*document_, node, path, muted_);
  document_->note(*node, path, "expected a table such as [" + path + "], not " + node->describe());
  return ConfigSection(*document_, nullptr, path, /*muted=*/true);
}

std::vector<ConfigSection> ConfigSection::tables(std::string_view key) const {
  std::vector<ConfigSection> sections;
  ConfigNode* const node = document_->ask(*this, key);
  if (node == nullptr) return sections;
  const std::string path = ConfigDocument::path_of(*this, key);
  const bool all_tables = node->kind == ConfigKind::array &&
                          std::ranges::all_of(node->items, [](const ConfigNode& item) {
                            return item.kind == ConfigKind::table;
                          });
  if (!all_tables) {
    const std::string found =
        node->kind == ConfigKind::array ? "a list of values" : node->describe();
    document_->note(*node, path, "expected tables such as [[" + path + "]], not " + found);
    mark_known(*node);
    return sections;
  }
  for (size_t i = 0; i < node->items.size(); ++i) {
    node->items[i].known = true;
    sections.push_back(
        ConfigSection(*document_, &node->items[i], path + "[" + std::to_string(i) + "]", muted_));
  }
  return sections;
}

std::optional<Secret> ConfigSection::optional_secret(std::string_view name) const {
  const std::string base(name);
  if (document_->ask(*this, name) != nullptr) {
    problem(name,
            "a secret is not written into the configuration or a flag; put it into a file of mode "
            "600 and name that: " +
                base + "_file");
    return std::nullopt;
  }
  const std::string names[] = {base + std::string(file_suffix),
                               base + std::string(credential_suffix),
                               base + std::string(variable_suffix)};
  std::vector<std::string> given;
  for (const std::string& key : names) {
    if (document_->ask(*this, key) != nullptr) given.push_back(key);
  }
  if (given.empty()) return std::nullopt;
  if (given.size() > 1) {
    problem(given[1], "give only one of " + names[0] + ", " + names[1] + " and " + names[2]);
    return std::nullopt;
  }
  const std::string& key = given.front();
  const std::string value = key == names[0] ? path_to(key).string() : string(key);
  if (value.empty()) return std::nullopt;  // noted by the getter
  if (key == names[0]) document_->note_file(value);
  auto secret = key == names[0]   ? read_secret_file(value)
                : key == names[1] ? read_secret_credential(value, document_->environment())
                                  : read_secret_variable(value, document_->environment());
  if (secret) return *std::move(secret);
  problem(key, secret.error().private_detail);
  return std::nullopt;
}

Secret ConfigSection::secret(std::string_view name) const {
  const std::string base(name);
  const size_t before = document_->problem_count();
  auto secret = optional_secret(name);
  if (secret) return *std::move(secret);
  if (document_->problem_count() == before) {
    document_->note_missing(
        *this, base + std::string(file_suffix),
        "a file that holds the secret (or " + base + "_credential, or " + base + "_env)");
  }
  return {};
}

}  // namespace countersign
