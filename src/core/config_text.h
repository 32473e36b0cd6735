// What is kept away from the TOML library (tomlplusplus 3.3), whose answer to it is an assertion,
// undefined behaviour or deep recursion instead of an error. Not a parser: what passes may still
// not be TOML.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign {

struct UnfitToml {
  int line;         // from 1
  std::string why;  // "the line is longer than 8 KiB"
};

// The first line that is longer than 8 KiB (dotted keys and arrays nest as deep as a line is long),
// has a control character (TOML allows them as escapes only), or has a character outside ASCII that
// is in neither a string nor a comment (TOML allows none there).
std::optional<UnfitToml> find_unfit_toml(std::string_view text);

}  // namespace countersign
