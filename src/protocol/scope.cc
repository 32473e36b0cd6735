#include "protocol/scope.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace countersign::protocol {
namespace {

std::unexpected<Error> malformed() {
  return fail(ErrorKind::invalid_input, "scope.malformed",
              "Scopes are names of printable ASCII characters, separated by single spaces.");
}

std::unexpected<Error> too_many() {
  return fail(ErrorKind::invalid_input, "scope.too_many",
              "There are too many scopes, or one is too long.");
}

// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
bool has_scope_charset(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
  });
}

}  // namespace

bool is_scope_name(std::string_view name) {
  return name.size() <= ScopeSet::name_bytes_max && has_scope_charset(name);
}

Result<ScopeSet> ScopeSet::parse(std::string_view text) {
  if (text.size() > text_bytes_max) return too_many();
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (names.size() == names_max) return too_many();
    names.emplace_back(text.substr(0, space));
    if (space + 1 == text.size()) return malformed();  // a space at the end
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return from_names(names);
}

Result<ScopeSet> ScopeSet::from_names(std::span<const std::string> names) {
  if (names.size() > names_max) return too_many();
  size_t text_bytes = 0;
  for (const std::string& name : names) {
    if (!has_scope_charset(name)) return malformed();
    if (name.size() > name_bytes_max) return too_many();
    text_bytes += name.size() + 1;
  }
  if (text_bytes > text_bytes_max + 1) return too_many();
  ScopeSet set;
  set.names_.assign(names.begin(), names.end());
  std::ranges::sort(set.names_);
  const auto repeats = std::ranges::unique(set.names_);
  set.names_.erase(repeats.begin(), repeats.end());
  return set;
}

bool ScopeSet::contains(std::string_view name) const {
  return std::ranges::binary_search(names_, name, std::less<std::string_view>());
}

bool ScopeSet::contains_all(const ScopeSet& other) const {
  return std::ranges::includes(names_, other.names_);
}

ScopeSet ScopeSet::without(const ScopeSet& other) const {
  ScopeSet rest;
  std::ranges::set_difference(names_, other.names_, std::back_inserter(rest.names_));
  return rest;
}

std::string ScopeSet::to_string() const {
  std::string text;
  for (const std::string& name : names_) {
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

}  // namespace countersign::protocol
