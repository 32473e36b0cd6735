#include "protocol/scope.h"

#include <gtest/gtest.h>

namespace countersign::protocol {
namespace {

ScopeSet scopes(std::string_view text) {
  return ScopeSet::parse(text).value();
}

std::string code_of(std::string_view text) {
  const auto parsed = ScopeSet::parse(text);
  return parsed ? "" : parsed.error().code;
}

TEST(ScopeSet, IsSortedAndWithoutRepeats) {
  EXPECT_EQ(scopes("b a b a").to_string(), "a b");
  EXPECT_EQ(scopes("b a"), scopes("a b"));
  EXPECT_EQ(scopes("a b c").size(), 3u);
}

TEST(ScopeSet, TakesTheEmptyTextAsTheEmptySet) {
  EXPECT_TRUE(scopes("").empty());
  EXPECT_EQ(scopes("").to_string(), "");
}

TEST(ScopeSet, RefusesSpacesThatSeparateNothing) {
  EXPECT_EQ(code_of(" "), "scope.malformed");
  EXPECT_EQ(code_of(" a"), "scope.malformed");
  EXPECT_EQ(code_of("a "), "scope.malformed");
  EXPECT_EQ(code_of("a  b"), "scope.malformed");
  EXPECT_EQ(code_of("a\tb"), "scope.malformed");
}

TEST(ScopeSet, KeepsToTheCharsetOfRfc6749Section3_3) {
  EXPECT_EQ(code_of("payments:write https://a.example/x !#[]~"), "");
  EXPECT_EQ(code_of("a\"b"), "scope.malformed");
  EXPECT_EQ(code_of("a\\b"), "scope.malformed");
  EXPECT_EQ(code_of("a\x7f"), "scope.malformed");
  EXPECT_EQ(code_of("\xc3\xa9"), "scope.malformed");
  EXPECT_EQ(code_of(std::string_view("a\0b", 3)), "scope.malformed");
}

TEST(ScopeSet, BoundsNumberAndLengths) {
  std::string text;
  for (size_t i = 0; i < ScopeSet::names_max; ++i) text += (i ? " s" : "s") + std::to_string(i);
  EXPECT_EQ(scopes(text).size(), ScopeSet::names_max);
  EXPECT_EQ(code_of(text + " one_more"), "scope.too_many");
  EXPECT_EQ(code_of(std::string(ScopeSet::name_bytes_max, 'a')), "");
  EXPECT_EQ(code_of(std::string(ScopeSet::name_bytes_max + 1, 'a')), "scope.too_many");
  EXPECT_EQ(code_of(std::string(ScopeSet::text_bytes_max + 1, 'a')), "scope.too_many");
}

TEST(ScopeSet, BoundsTheTextThatNamesMakeTogether) {
  std::vector<std::string> names;
  for (int i = 0; i < 32; ++i) names.push_back(std::string(63, static_cast<char>('A' + i % 26)));
  EXPECT_TRUE(ScopeSet::from_names(names).has_value());
  names.push_back("b");
  EXPECT_FALSE(ScopeSet::from_names(names).has_value());
}

TEST(ScopeSet, KnowsItsSubsets) {
  const ScopeSet all = scopes("a b c");
  EXPECT_TRUE(all.contains_all(scopes("")));
  EXPECT_TRUE(all.contains_all(scopes("c a")));
  EXPECT_TRUE(all.contains_all(all));
  EXPECT_FALSE(all.contains_all(scopes("a d")));
  EXPECT_FALSE(scopes("").contains_all(scopes("a")));
}

TEST(ScopeSet, MatchesWholeNamesOnly) {
  const ScopeSet set = scopes("payments:write");
  EXPECT_TRUE(set.contains("payments:write"));
  EXPECT_FALSE(set.contains("payments"));
  EXPECT_FALSE(set.contains("payments:write:all"));
  EXPECT_FALSE(set.contains("Payments:write"));
  EXPECT_FALSE(set.contains(""));
}

TEST(ScopeSet, NamesWhatIsMissing) {
  EXPECT_EQ(scopes("a b c").without(scopes("b")).to_string(), "a c");
  EXPECT_TRUE(scopes("a").without(scopes("a b")).empty());
}

}  // namespace
}  // namespace countersign::protocol
