#include "source_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::lint {
namespace {

using ::testing::ElementsAre;

TEST(SourceText, TellsCodeFromCommentsAndLiterals) {
  const SourceText source =
      scan_source("x.cc", "int a = f(\"b // c\");  // d \"e\"\n'\\''; /* f\ng */ h\n");
  EXPECT_THAT(source.code, ElementsAre("int a = f(\"      \");          ", "'  ';     ", "     h"));
  EXPECT_THAT(source.comments,
              ElementsAre("                      // d \"e\"", "      /* f", "g */  "));
  EXPECT_THAT(source.literals,
              ElementsAre("           b // c             ", " \\'       ", "      "));
}

TEST(SourceText, KnowsRawStringsAndDigitSeparators) {
  const SourceText source =
      scan_source("x.cc", "a(R\"x(\" // )\" )x\"); // c\nint n = 1'000'000; b('c');\n");
  EXPECT_THAT(source.comments, ElementsAre("                    // c", std::string(26, ' ')));
  EXPECT_EQ(source.code[1], "int n = 1'000'000; b(' ');");
}

TEST(SourceText, SurvivesWhatIsNotClosed) {
  for (const std::string_view text :
       {"\"abc", "'", "/* abc", "R\"(abc", "R\"abc", "\"\\", "//", "\n\n"}) {
    const SourceText source = scan_source("x.cc", text);
    EXPECT_EQ(source.code.size(), source.lines.size()) << text;
  }
}

TEST(CommentBlocks, JoinWhatIsWrapped) {
  const SourceText source =
      scan_source("x.cc", "// a RFC\n// 9112 §6\n\n// b\nint x;  // c\nint y;  // d\n");
  std::vector<std::string> texts;
  for (const CommentBlock& block : comment_blocks(source)) texts.push_back(block.text);
  EXPECT_THAT(texts, ElementsAre("a RFC 9112 §6 ", "b ", "c ", "d "));
  EXPECT_EQ(comment_blocks(source)[0].lines.front(), 1);
  EXPECT_EQ(comment_blocks(source)[0].lines.back(), 2);
}

TEST(FindWord, SkipsLongerIdentifiers) {
  EXPECT_EQ(find_word("a strlen(x); len(y)", "len("), 13u);
  EXPECT_EQ(find_word("throwing rethrow", "throw"), std::string_view::npos);
  EXPECT_EQ(find_word("x.detach()", ".detach()"), 1u);
  EXPECT_EQ(find_word("", "x"), std::string_view::npos);
}

TEST(TestPath, IsKnownByItsName) {
  for (const std::string_view path : {"src/a/b_test.cc", "tests/e2e/x.cc", "src/a/test_pki.h",
                                      "src/a/gateway_testbed.h", "src/a/slot_test_fixture.h"}) {
    EXPECT_TRUE(is_test_path(path)) << path;
  }
  for (const std::string_view path : {"src/a/b.cc", "src/a/latest.h", "apps/tests.cc"}) {
    EXPECT_FALSE(is_test_path(path)) << path;
  }
}

}  // namespace
}  // namespace countersign::lint
