// Runs the house rules (rules.h, rfc_map.h) on this tree. Each violation is a line: file:line:
// what; what instead.
//
// tests/lint itself is left out of what concerns citations: it quotes right and wrong ones.
//
// With COUNTERSIGN_UPDATE_RFC_MAP set (./x tidy --update) docs/rfc-map.md is rewritten instead of
// checked.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ranges>

#include <gtest/gtest.h>

#include "core/config_environment.h"
#include "rfc_map.h"
#include "rules.h"

namespace countersign::lint {
namespace {

namespace fs = std::filesystem;

const fs::path root = COUNTERSIGN_SOURCE_DIR;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Text files of the tree, relative to its root, sorted. Corpora are inputs, not texts.
std::vector<std::string> tree_files() {
  constexpr std::array folders = {"src",   "include", "apps", "tests",    "fuzz",      "bench",
                                  "cmake", "tools",   "docs", "examples", "packaging", ".ci"};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file()) files.push_back(entry.path().filename().string());
  }
  for (const std::string_view folder : folders) {
    if (!fs::is_directory(root / folder)) continue;
    for (auto entry = fs::recursive_directory_iterator(root / folder); entry != fs::end(entry);
         ++entry) {
      if (entry->path() == root / "fuzz/corpus") entry.disable_recursion_pending();
      if (entry->is_regular_file()) files.push_back(fs::relative(entry->path(), root).string());
    }
  }
  std::ranges::sort(files);
  return files;
}

bool is_source(std::string_view path) {
  return path.ends_with(".h") || path.ends_with(".cc");
}

bool is_lint(const SourceText& source) {
  return source.path.starts_with("tests/lint/");
}

class Lint : public ::testing::Test {
 protected:
  // Read once for all tests of the program.
  static void SetUpTestSuite() {
    for (const std::string& path : tree_files())
      texts().push_back(scan_source(path, read_file(root / path)));
  }
  static void TearDownTestSuite() { texts().clear(); }

  static std::vector<SourceText>& texts() {
    static std::vector<SourceText> all;
    return all;
  }
  static auto sources() {
    return texts() |
           std::views::filter([](const SourceText& text) { return is_source(text.path); });
  }

  // All violations of a test are told at once, when it ends.
  void report(Violations violations) {
    std::ranges::move(violations, std::back_inserter(violations_));
  }
  void TearDown() override {
    std::string lines;
    for (const Violation& violation : violations_) lines += "\n" + violation.to_string();
    EXPECT_TRUE(violations_.empty()) << violations_.size() << " violations:" << lines;
  }
  template <typename T>
  static T table(const Result<T>& read) {
    if (!read) {
      ADD_FAILURE() << read.error().public_text;
      return {};
    }
    return *read;
  }

 private:
  Violations violations_;
};

TEST_F(Lint, FindsTheTree) {
  EXPECT_GT(std::ranges::distance(sources()), 100);
  EXPECT_TRUE(
      std::ranges::any_of(texts(), [](const SourceText& text) { return text.path == "x"; }));
}

TEST_F(Lint, LayersAreKept) {
  const LayerTable layers = table(read_layer_table(read_file(root / "tools/layers.toml")));
  report(check_layer_table(layers));
  for (const SourceText& source : sources()) report(check_includes(source, layers));
}

TEST_F(Lint, NothingBannedIsUsedAndNothingIsTooLong) {
  const RuleTable rules = table(read_rule_table(read_file(root / "tools/lint.toml")));
  for (const SourceText& text : texts()) {
    if (is_source(text.path)) {
      report(check_bans(text, rules));
      report(check_sizes(text, rules));
    } else {
      report(check_bans_in_text(text, rules));
    }
  }
  report(check_exemptions_used(rules));
}

TEST_F(Lint, FilesOpenWithWhatTheyAreFor) {
  for (const SourceText& source : sources()) {
    std::string header = source.path;
    for (const std::string_view ending : {"_test.cc", ".cc"}) {
      if (header.ends_with(ending)) header = header.substr(0, header.size() - ending.size()) + ".h";
    }
    report(check_opening(source, header != source.path && fs::exists(root / header)));
  }
}

TEST_F(Lint, RfcsAreCitedInOneForm) {
  for (const SourceText& source : sources()) {
    if (!is_lint(source)) report(check_citation_form(source));
  }
}

TEST_F(Lint, RfcMapIsFresh) {
  RfcMap map;
  for (const SourceText& source : sources()) {
    if (!is_lint(source)) map.add(source);
  }
  const fs::path file = root / "docs/rfc-map.md";
  const Environment environment = process_environment();
  const auto update = environment.find("COUNTERSIGN_UPDATE_RFC_MAP");
  if (update != environment.end() && !update->second.empty()) {
    std::ofstream(file, std::ios::binary) << map.to_markdown() << std::flush;
  }
  if (read_file(file) != map.to_markdown()) {
    report({{"docs/rfc-map.md", 0, "does not fit the citations", "run ./x tidy --update"}});
  }
}

TEST_F(Lint, FuzzTargetsHaveTheirCorpora) {
  report(check_fuzz_corpora(root / "fuzz"));
}

TEST_F(Lint, ScriptsCanBeRun) {
  for (const SourceText& text : texts()) {
    report(check_script(root, text.path, text.lines.empty() ? std::string() : text.lines[0]));
  }
}

}  // namespace
}  // namespace countersign::lint
