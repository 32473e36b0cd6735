#include "http/path_tree.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

PathTree tree(std::initializer_list<std::string_view> templates) {
  PathTree made;
  for (const std::string_view path : templates) EXPECT_TRUE(made.add(path)) << path;
  return made;
}

TEST(PathTree, NumbersTemplatesInOrderAndTheSameOnesAlike) {
  PathTree paths;
  EXPECT_EQ(*paths.add("/a"), 0u);
  EXPECT_EQ(*paths.add("/a/{x}"), 1u);
  EXPECT_EQ(*paths.add("/a/{y}"), 1u);
  EXPECT_EQ(*paths.add("/a"), 0u);
  EXPECT_EQ(paths.size(), 2u);
}

TEST(PathTree, TheMostSpecificTemplateWins) {
  const PathTree paths = tree({"/v/{id}", "/v/search", "/v/{rest...}", "/{a}/x"});
  EXPECT_EQ(paths.match("/v/search"), 1u);
  EXPECT_EQ(paths.match("/v/7"), 0u);
  EXPECT_EQ(paths.match("/v/7/8"), 2u);
  EXPECT_EQ(paths.match("/w/x"), 3u);
  EXPECT_EQ(paths.match("/v/x"), 0u);
}

TEST(PathTree, MatchesNothingElse) {
  const PathTree paths = tree({"/v1/payments", "/files/{path...}", "/v1/{id}/refunds"});
  for (const std::string_view path : {"", "v1/payments", "/v1", "/v1/payments/", "/V1/payments",
                                      "/files", "/files/", "/v1//refunds", "/v1/7/refunds/"}) {
    EXPECT_EQ(paths.match(path), std::nullopt) << path;
  }
  EXPECT_EQ(PathTree().match("/"), std::nullopt);
}

TEST(PathTree, RefusesWhatIsNoTemplate) {
  for (const std::string_view path : {"", "v1", "/a//b", "/{}", "/{a", "/a}{", "/x{a}", "/{a...}/b",
                                      "/{...}", "/a/../b", "/./a", "/a b", "/a?b", "/a;b"}) {
    const auto added = PathTree().add(path);
    ASSERT_FALSE(added) << path;
    EXPECT_EQ(added.error().code, "path.bad_template") << path;
  }
}

}  // namespace
}  // namespace countersign::http
