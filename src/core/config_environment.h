// The process's environment, as a value that is handed in: only process_environment() looks at the
// machine, so a test says what is set.

#pragma once

#include <map>
#include <string_view>

namespace countersign {

// Name to value. The views are of the process's own memory (or of a test's literals), so that what
// is secret in it is not copied once more.
using Environment = std::map<std::string_view, std::string_view, std::less<>>;

// Valid as long as nobody changes the environment, which nothing here does.
Environment process_environment();

}  // namespace countersign
