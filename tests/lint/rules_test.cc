#include "rules.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace countersign::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> texts(const Violations& violations) {
  std::vector<std::string> lines;
  for (const Violation& violation : violations) lines.push_back(violation.to_string());
  return lines;
}

LayerTable layers() {
  auto table = read_layer_table(R"(
cc_only = ["core/json.h"]
[[layer]]
name = "core"
[[layer]]
name = "http"
includes = ["core"]
[[layer]]
name = "api"
folder = "apps/api/"
includes = ["http"]
[[library]]
header = "openssl/"
files = ["src/http/", "src/http/wrap.h"]
why = "is wrapped by http"
)");
  EXPECT_TRUE(table.has_value());
  return table ? *table : LayerTable{};
}

std::vector<std::string> includes(std::string path, std::string_view text) {
  return texts(check_includes(scan_source(std::move(path), text), layers()));
}

TEST(LayerRules, LetALayerIncludeItselfAndWhatTheTableSays) {
  EXPECT_THAT(
      includes(
          "src/http/a.cc",
          "#include <vector>\n#include \"http/b.h\"\n#include \"core/c.h\"\n#include \"d.h\"\n"),
      IsEmpty());
  EXPECT_THAT(includes("apps/api/a.cc", "#include \"http/b.h\"\n#include \"api/b.h\"\n"),
              IsEmpty());
  EXPECT_THAT(includes("tests/e2e/a.cc", "#include \"http/b.h\"\n#include \"core/json.h\"\n"),
              IsEmpty());
}

TEST(LayerRules, RefuseOtherLayers) {
  EXPECT_THAT(
      includes("src/core/a.cc", "\n#include \"http/b.h\"\n"),
      ElementsAre(HasSubstr(
          "src/core/a.cc:2: core includes http (http/b.h); core may include nothing else")));
  EXPECT_THAT(includes("apps/api/a.cc", "#include \"core/b.h\"\n"),
              ElementsAre(HasSubstr("api includes core (core/b.h)")));
  EXPECT_THAT(includes("src/core/a.cc", "#include \"nowhere/b.h\"\n"),
              ElementsAre(HasSubstr("\"nowhere\" is not a layer")));
}

TEST(LayerRules, KeepTestCodeOutOfPrograms) {
  EXPECT_THAT(
      includes("src/core/a_test.cc", "#include \"support/x.h\"\n#include \"core/a_testbed.h\"\n"),
      IsEmpty());
  EXPECT_THAT(includes("src/core/a_fixture.h", "#include \"support/x.h\"\n"), IsEmpty());
  EXPECT_THAT(
      includes("src/core/a.cc", "#include \"support/x.h\"\n#include \"core/a_testbed.h\"\n"),
      ElementsAre(HasSubstr("a.cc:1: includes support/x.h, which is for tests"),
                  HasSubstr("a.cc:2: includes core/a_testbed.h, which is for tests")));
}

TEST(LayerRules, KeepLibrariesWhereTheyAreWrapped) {
  EXPECT_THAT(includes("src/http/a.cc", "#include <openssl/ssl.h>\n"), IsEmpty());
  EXPECT_THAT(includes("src/http/wrap.h", "#include <openssl/ssl.h>\n"), IsEmpty());
  EXPECT_THAT(includes("src/http/a.h", "#include <openssl/ssl.h>\n"),
              ElementsAre(HasSubstr("a header includes <openssl/ssl.h>")));
  EXPECT_THAT(includes("src/core/a.cc", "#include <openssl/ssl.h>\n"),
              ElementsAre("src/core/a.cc:1: includes <openssl/ssl.h>; is wrapped by http"));
  EXPECT_THAT(includes("src/http/a.h", "#include \"core/json.h\"\n"),
              ElementsAre(HasSubstr("a header includes \"core/json.h\"")));
}

TEST(LayerRules, RefuseACircleAndAnUnknownName) {
  LayerTable table;
  table.allowed = {{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}, {"d", {"e"}}};
  EXPECT_THAT(
      texts(check_layer_table(table)),
      ElementsAre(HasSubstr("a includes itself through others"), HasSubstr("d may include \"e\"")));
  EXPECT_THAT(check_layer_table(layers()), IsEmpty());
  EXPECT_FALSE(read_layer_table("[[layer]]\nnam = \"a\"\n").has_value());
}

constexpr std::string_view rules = R"(
[sizes]
file_lines_max = 10
test_lines_max = 20
function_lines_max = 4
  [[sizes.long_file]]
  file = "src/long.cc"
  why = "a table"
  [[sizes.long_function]]
  file = "src/switch.cc"
  why = "a table"

[[ban]]
words = ["goto", "rand("]
files = ["src/"]
why = "no"
instead = "other"
  [[ban.except]]
  file = "src/free.cc"
  why = "must"

[[ban]]
words = ["TODO"]
where = "comment"
why = "never"
instead = "do"

[[ban]]
words = ["/home/"]
where = "anywhere"
why = "here only"
instead = "relative"
)";

RuleTable rule_table() {
  auto table = read_rule_table(rules);
  EXPECT_TRUE(table.has_value());
  return table ? *table : RuleTable{};
}

TEST(BanRules, FindWordsWhereTheyCount) {
  const RuleTable table = rule_table();
  const auto found = [&](std::string path, std::string_view text) {
    return texts(check_bans(scan_source(std::move(path), text), table));
  };
  EXPECT_THAT(found("src/a.cc", "x;\ngoto y;\n"), ElementsAre("src/a.cc:2: goto: no; other"));
  EXPECT_THAT(found("src/a.cc", "rand();"), ElementsAre(HasSubstr("rand(: no")));
  EXPECT_THAT(found("src/a.cc", "my_rand(); f(\"goto\");  // goto\n"), IsEmpty());
  EXPECT_THAT(found("tests/a.cc", "goto y;\n"), IsEmpty());
  EXPECT_THAT(found("src/free.cc", "goto y;\n"), IsEmpty());
  EXPECT_THAT(found("a.cc", "TODO;  // TODO: x\n"), ElementsAre("a.cc:1: TODO: never; do"));
  EXPECT_THAT(found("a.cc", "f(\"/home/x\");\n"), ElementsAre(HasSubstr("/home/: here only")));
  EXPECT_THAT(texts(check_bans_in_text(scan_source("x.sh", "cd /home/x\n# TODO\n"), table)),
              ElementsAre(HasSubstr("x.sh:1: /home/")));
}

TEST(BanRules, TellOfExemptionsThatNothingNeeds) {
  const RuleTable table = rule_table();
  EXPECT_THAT(
      texts(check_exemptions_used(table)),
      ElementsAre(HasSubstr("src/long.cc is exempt from the limit on a file's lines without need"),
                  HasSubstr("src/switch.cc is exempt from the limit on a function's lines"),
                  HasSubstr("src/free.cc is exempt from the ban on goto without need")));
  check_bans(scan_source("src/free.cc", "goto y;\n"), table);
  check_sizes(scan_source("src/long.cc", std::string(11, '\n')), table);
  check_sizes(scan_source("src/switch.cc", "int f() {\n1;\n2;\n3;\n}\n"), table);
  EXPECT_THAT(check_exemptions_used(table), IsEmpty());
}

TEST(SizeRules, CountLinesOfFiles) {
  const RuleTable table = rule_table();
  const auto found = [&](std::string path, size_t lines) {
    return texts(check_sizes(scan_source(std::move(path), std::string(lines, '\n')), table));
  };
  EXPECT_THAT(found("src/a.cc", 10), IsEmpty());
  EXPECT_THAT(found("src/a.cc", 11),
              ElementsAre(HasSubstr("src/a.cc: has 11 lines; the limit is 10")));
  EXPECT_THAT(found("src/a_test.cc", 20), IsEmpty());
  EXPECT_THAT(found("src/a_test.cc", 21), ElementsAre(HasSubstr("has 21 lines; the limit is 20")));
  EXPECT_THAT(found("src/long.cc", 21), IsEmpty());
}

TEST(SizeRules, CountLinesOfFunctions) {
  const RuleTable table = rule_table();
  const auto found = [&](std::string_view text) {
    return texts(check_sizes(scan_source("a.cc", text), table));
  };
  EXPECT_THAT(found("namespace n {\nvoid f() {\n1;\n2;\n}\n}\n"), IsEmpty());
  EXPECT_THAT(found("namespace n {\nvoid f() {\n1;\n2;\n3;\n}\n}\n"),
              ElementsAre(HasSubstr("a.cc:2: a function of 5 lines; the limit is 4")));
  EXPECT_THAT(found("template <class T>\nvoid f(\nint a) {\nif (a) {\n}\n}\n"),
              ElementsAre(HasSubstr("a.cc:1: a function of 6 lines")));
  EXPECT_THAT(found("struct S : T<f()> {\nvoid f() {\n}\nint a;\nint b;\n};\n"), IsEmpty());
  EXPECT_THAT(found("int a[] = {\n1,\n2,\n3,\n4,\n};\nenum class E {\na,\n};\n"), IsEmpty());
  EXPECT_THAT(found("#define F() {\\\n1\\\n}\nS::S(int a) : a_(a) {\n1;\n2;\n3;\n}\n"),
              ElementsAre(HasSubstr("a.cc:4: a function of 5 lines")));
}

TEST(OpeningRules, WantACommentAndPragmaOnce) {
  const auto found = [](std::string path, std::string_view text, bool has_header) {
    return texts(check_opening(scan_source(std::move(path), text), has_header));
  };
  EXPECT_THAT(found("a.h", "// For.\n\n#pragma once\n", false), IsEmpty());
  EXPECT_THAT(found("a.cc", "#include \"a.h\"\n", true), IsEmpty());
  EXPECT_THAT(found("a.cc", "#include \"b.h\"\n", false),
              ElementsAre(HasSubstr("does not open with a comment")));
  EXPECT_THAT(found("a.h", "// For.\n#include \"b.h\"\n#pragma once\n", false),
              ElementsAre(HasSubstr("without #pragma once")));
  EXPECT_THAT(found("a.h", "", false),
              ElementsAre(HasSubstr("comment"), HasSubstr("#pragma once")));
}

TEST(CitationRules, KnowOneForm) {
  const auto found = [](std::string_view text) {
    return check_citation_form(scan_source("a.cc", text)).size();
  };
  for (const std::string_view right :
       {"// RFC 9112 §6.1: x", "// RFC 7515 §A.3", "// RFC 9112\n// §6.1", "// RFC\n// 9112",
        "f(\"rfc9112, Section 3\");", "// an rfc822Name", "// in a section",
        "// RFC 7515-7519, 7638"}) {
    EXPECT_EQ(found(right), 0u) << right;
  }
  for (const std::string_view wrong :
       {"// RFC9112", "// rfc 9112", "// Rfc 9112", "// RFC-9112", "// RFC 9112 Section 3",
        "// section 3.1", "// RFC 9112 § 3", "// appendix A", "// Appendix B.2", "// sec. 4",
        "/* RFC9112 */"}) {
    EXPECT_EQ(found(wrong), 1u) << wrong;
  }
}

TEST(FuzzRules, PairTargetsAndCorpora) {
  const testing::TemporaryFolder folder;
  const auto fuzz = folder.path();
  for (const std::string_view name : {"good", "hollow", "orphan"}) {
    std::filesystem::create_directories(fuzz / "corpus" / name);
  }
  std::ofstream(fuzz / "corpus/good/one") << "x";
  for (const std::string_view name :
       {"good_fuzz.cc", "hollow_fuzz.cc", "bare_fuzz.cc", "replay_main.cc"}) {
    std::ofstream(fuzz / name) << "x";
  }
  EXPECT_THAT(texts(check_fuzz_corpora(fuzz)),
              ::testing::UnorderedElementsAre(HasSubstr("fuzz/hollow_fuzz.cc: has no corpus"),
                                              HasSubstr("fuzz/bare_fuzz.cc: has no corpus"),
                                              HasSubstr("fuzz/corpus/orphan: has no fuzz target")));
}

TEST(ScriptRules, PairTheMarkAndTheMode) {
  const testing::TemporaryFolder folder;
  const auto found = [&](std::string_view first_line, mode_t mode) {
    std::ofstream(folder.path() / "s") << first_line;
    chmod((folder.path() / "s").c_str(), mode);
    return texts(check_script(folder.path(), "s", first_line));
  };
  EXPECT_THAT(found("#!/bin/sh", 0755), IsEmpty());
  EXPECT_THAT(found("text", 0644), IsEmpty());
  EXPECT_THAT(found("#!/bin/sh", 0644), ElementsAre(HasSubstr("chmod +x s")));
  EXPECT_THAT(found("text", 0755), ElementsAre(HasSubstr("chmod -x s")));
}

}  // namespace
}  // namespace countersign::lint
