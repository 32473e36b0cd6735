#include "rfc_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> cited(std::string_view text) {
  std::vector<std::string> clauses;
  for (const Citation& citation : citations_in(scan_source("a.cc", text))) {
    clauses.push_back(std::to_string(citation.clause.rfc) + "/" + citation.clause.section + "@" +
                      std::to_string(citation.line));
  }
  return clauses;
}

TEST(RfcCitations, AreFoundInComments) {
  EXPECT_THAT(cited("// x (RFC 9112 §6.1). RFC 7515 §A.3: y.\n"),
              ElementsAre("9112/6.1@1", "7515/A.3@1"));
  EXPECT_THAT(cited("\n// x RFC\n// 9112 §3. Next\n"), ElementsAre("9112/3@2"));
  EXPECT_THAT(cited("// RFC 9112 §6.1, §6.3 and §7; RFC 9110 §5/§6, §\n"),
              ElementsAre("9112/6.1@1", "9112/6.3@1", "9112/7@1", "9110/5@1", "9110/6@1"));
  EXPECT_THAT(cited("// RFC 9112, RFC 9110; §3 alone\nf(\"RFC 9112 §3\");\n"), IsEmpty());
}

TEST(RfcMap, ListsCodeAndTestsByClause) {
  RfcMap map;
  map.add(scan_source("src/b.cc", "// RFC 9112 §3.10: x\n// RFC 9112 §3.9: y\n"));
  map.add(scan_source("src/a.h", "// RFC 9112 §3.9\n"));
  map.add(
      scan_source("src/a_test.cc",
                  "// For RFC 9112 §2.\n\n#include \"a.h\"\n\n"
                  "// RFC 9112 §3.9: before\nTEST(Parser, Does) {\n  // RFC 9112 §4: inside\n}\n"
                  "TEST_F(Parser,\n       DoesMore) {\n}\n"
                  "TEST(Rfc7638, Section3_1Thumbprint) {\n}\n"
                  "TEST(Rfc6749Section3_3, Scope) {\n}\n"
                  "TEST(Rfc7515, AppendixA_1Hs256) {\n}\n"));
  const std::string text = map.to_markdown();
  const std::string tables = text.substr(text.find("\n## "));
  EXPECT_EQ(
      tables,
      "\n## RFC 6749\n\n| clause | code | tests |\n| --- | --- | --- |\n"
      "| [§3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3) | — | "
      "`Rfc6749Section3_3.Scope` |\n"
      "\n## RFC 7515\n\n| clause | code | tests |\n| --- | --- | --- |\n"
      "| [§A.1](https://www.rfc-editor.org/rfc/rfc7515#appendix-A.1) | — | "
      "`Rfc7515.AppendixA_1Hs256` |\n"
      "\n## RFC 7638\n\n| clause | code | tests |\n| --- | --- | --- |\n"
      "| [§3.1](https://www.rfc-editor.org/rfc/rfc7638#section-3.1) | — | "
      "`Rfc7638.Section3_1Thumbprint` |\n"
      "\n## RFC 9112\n\n| clause | code | tests |\n| --- | --- | --- |\n"
      "| [§2](https://www.rfc-editor.org/rfc/rfc9112#section-2) | — | `src/a_test.cc` |\n"
      "| [§3.9](https://www.rfc-editor.org/rfc/rfc9112#section-3.9) | `src/a.h`<br>`src/b.cc` | "
      "`Parser.Does` |\n"
      "| [§3.10](https://www.rfc-editor.org/rfc/rfc9112#section-3.10) | `src/b.cc` | — |\n"
      "| [§4](https://www.rfc-editor.org/rfc/rfc9112#section-4) | — | `Parser.Does` |\n");
}

TEST(RfcClause, SortsByItsParts) {
  const std::vector<Clause> sorted = {{9110, "9"},   {9112, "2"},    {9112, "2.1"},
                                      {9112, "2.2"}, {9112, "2.10"}, {9112, "10"},
                                      {9112, "A"},   {9112, "A.1"},  {9112, "B"}};
  for (size_t i = 0; i + 1 < sorted.size(); ++i) {
    EXPECT_TRUE(sorted[i] < sorted[i + 1]) << i;
    EXPECT_FALSE(sorted[i + 1] < sorted[i]) << i;
  }
}

}  // namespace
}  // namespace countersign::lint
