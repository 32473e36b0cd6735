// The tree that configuration sources become: the file, with variables and flags laid over it.
// Every node knows where it comes from. Not for users of the configuration: they read through
// core/config.h.

#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace countersign {

enum class ConfigKind {
  table,
  array,
  string,
  integer,
  boolean,
  other,  // dates and numbers with a fraction: TOML has them, no key here takes them
  text,   // from a variable or a flag: read as whatever type the key has
};

struct ConfigNode {
  ConfigKind kind = ConfigKind::table;
  std::string source;  // as in ConfigProblem
  int line = 0;
  std::string text;  // of a string or text; of `other`, what it is
  int64_t integer = 0;
  bool boolean = false;
  std::map<std::string, ConfigNode, std::less<>> members;
  std::vector<ConfigNode> items;
  bool known = false;  // somebody asked for it

  // "a string", "a table", for messages.
  std::string describe() const;
};

// The root table of `text`, or the first thing in it that is not TOML 1.0 (a key given twice is
// such a thing). Also refuses lines beyond 8 KiB and nesting beyond 16: nothing here needs them,
// and both keep recursion shallow.
std::expected<ConfigNode, ConfigProblem> parse_config_text(std::string_view text,
                                                           const std::string& source);

}  // namespace countersign
