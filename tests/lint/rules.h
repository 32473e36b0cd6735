// The house rules. Each is a function from sources (and, where it has one, its table in tools/) to
// violations, so that it can be tested on planted text; lint_test.cc runs them on the tree.

#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "source_text.h"

namespace countersign::lint {

struct Violation {
  std::string path;
  int line = 0;  // from 1; 0 is the whole file
  std::string what;
  std::string instead;

  std::string to_string() const;
};
using Violations = std::vector<Violation>;

// A set of files: a path, a folder ("src/net/"), or an ending ("*_test.cc").
bool matches(std::string_view pattern, std::string_view path);

// --- tools/layers.toml ---

struct LibraryRule {
  std::string prefix;           // of the header: "openssl/"
  std::set<std::string> files;  // patterns: who may include it
  std::string why;
};
struct LayerTable {
  std::map<std::string, std::set<std::string>>
      allowed;                                 // layer → layers it may include, besides itself
  std::map<std::string, std::string> folders;  // layer → its folder, "src/core/"
  std::vector<LibraryRule> libraries;
  std::set<std::string> cc_only;  // our headers that only .cc files may include
};
Result<LayerTable> read_layer_table(std::string_view text);
// The table itself: every layer named exists, and none includes itself through others.
Violations check_layer_table(const LayerTable& table);
Violations check_includes(const SourceText& source, const LayerTable& table);

// --- tools/lint.toml ---

struct Exemption {
  std::string file;  // a pattern
  std::string why;
  mutable bool used = false;
};
struct Ban {
  enum class Where { code, comment, literal, anywhere };
  std::vector<std::string> words;
  Where where = Where::code;
  std::vector<std::string> files;  // patterns; empty is every file
  std::string why;
  std::string instead;
  std::vector<Exemption> except;
};
struct RuleTable {
  int file_lines_max = 0;
  int test_lines_max = 0;
  int function_lines_max = 0;
  std::vector<Exemption> long_files;
  std::vector<Exemption> long_functions;  // all of a file's
  std::vector<Ban> bans;
};
Result<RuleTable> read_rule_table(std::string_view text);

Violations check_bans(const SourceText& source, const RuleTable& table);
// The same for a file that is not C++: only bans on what stands "anywhere".
Violations check_bans_in_text(const SourceText& text, const RuleTable& table);
Violations check_sizes(const SourceText& source, const RuleTable& table);
// After every file was checked: exemptions that nothing needed.
Violations check_exemptions_used(const RuleTable& table);

// --- without a table ---

// Opens with a comment (a .cc whose header does, need not), `#pragma once`.
Violations check_opening(const SourceText& source, bool has_header);
// RFC 9112 §6.1 is the one form: no other spelling of the name, the section or the appendix.
Violations check_citation_form(const SourceText& source);
// fuzz/NAME_fuzz.cc and a fuzz/corpus/NAME that is not empty, in pairs.
Violations check_fuzz_corpora(const std::filesystem::path& fuzz_folder);
// A script is executable, and what is executable is a script.
Violations check_script(const std::filesystem::path& root, const std::string& path,
                        std::string_view first_line);

}  // namespace countersign::lint
