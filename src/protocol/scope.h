// ScopeSet: the scopes of a request, a token, a client or a route (RFC 6749 §3.3). Bounded, sorted,
// without repeats.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace countersign::protocol {

class ScopeSet final {
 public:
  static constexpr size_t names_max = 64;        // more is a design error, not a need
  static constexpr size_t name_bytes_max = 128;  // of one scope
  static constexpr size_t text_bytes_max =
      2048;  // of the whole list as written: it travels in each token

  ScopeSet() = default;
  // Names separated by single spaces. The empty text is the empty set. `scope.malformed` (charset,
  // spaces at an end or doubled), `scope.too_many` (any of the limits).
  static Result<ScopeSet> parse(std::string_view text);
  static Result<ScopeSet> from_names(std::span<const std::string> names);

  bool empty() const { return names_.empty(); }
  size_t size() const { return names_.size(); }
  const std::vector<std::string>& names() const { return names_; }  // sorted

  bool contains(std::string_view name) const;
  // True if every scope of `other` is in this set; true for an empty `other`.
  bool contains_all(const ScopeSet& other) const;
  // Those of this set that `other` lacks: what to name in a refusal.
  ScopeSet without(const ScopeSet& other) const;

  std::string to_string() const;  // space-delimited, sorted

  friend bool operator==(const ScopeSet&, const ScopeSet&) = default;

 private:
  std::vector<std::string> names_;
};

// RFC 6749 §3.3: 1*( %x21 / %x23-5B / %x5D-7E ), at most name_bytes_max.
bool is_scope_name(std::string_view name);

}  // namespace countersign::protocol
