#include "provider/gateway/route_table.h"

#include <gtest/gtest.h>

#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {
namespace {

using Kind = RouteMatch::Kind;

RouteOptions route(std::string path, std::vector<std::string> methods = {"GET"}) {
  return {.methods = std::move(methods), .path = std::move(path), .scopes = {"s"}, .schemes = {}};
}

RouteTable table(const std::vector<RouteOptions>& routes) {
  auto made = RouteTable::create(routes);
  EXPECT_TRUE(made) << made.error().for_log();
  return *std::move(made);
}

std::string matched(const RouteTable& routes, std::string_view path,
                    std::string_view method = "GET") {
  const RouteMatch match = routes.match(method, path);
  return match.route != nullptr ? match.route->path : "";
}

std::string refusal(RouteOptions options) {
  const auto made = RouteTable::create({std::move(options)});
  return made ? "" : made.error().code;
}

TEST(RouteTable, MatchesLiteralPathsByteForByte) {
  const RouteTable routes = table({route("/v1/payments")});
  EXPECT_EQ(matched(routes, "/v1/payments"), "/v1/payments");
  for (const std::string_view other :
       {"/v1/payment", "/v1/paymentss", "/v1/Payments", "/v1/payments/", "/v1", "/", "",
        "v1/payments", "/v1/payments/7", "/v1//payments"}) {
    EXPECT_EQ(routes.match("GET", other).kind, Kind::path_unknown) << other;
  }
}

TEST(RouteTable, AParameterIsExactlyOneSegment) {
  const RouteTable routes = table({route("/v1/payments/{id}/refunds")});
  EXPECT_EQ(matched(routes, "/v1/payments/7/refunds"), "/v1/payments/{id}/refunds");
  EXPECT_EQ(matched(routes, "/v1/payments/%C3%A4/refunds"), "/v1/payments/{id}/refunds");
  for (const std::string_view other : {"/v1/payments//refunds", "/v1/payments/refunds",
                                       "/v1/payments/7/8/refunds", "/v1/payments/7/refunds/"}) {
    EXPECT_EQ(routes.match("GET", other).kind, Kind::path_unknown) << other;
  }
}

TEST(RouteTable, ARestParameterTakesOneOrMoreSegments) {
  const RouteTable routes = table({route("/files/{path...}")});
  EXPECT_EQ(matched(routes, "/files/a"), "/files/{path...}");
  EXPECT_EQ(matched(routes, "/files/a/b/c"), "/files/{path...}");
  EXPECT_EQ(routes.match("GET", "/files").kind, Kind::path_unknown);
  EXPECT_EQ(routes.match("GET", "/files/").kind, Kind::path_unknown);
}

TEST(RouteTable, TheMoreSpecificTemplateWins) {
  const RouteTable routes = table(
      {route("/{rest...}"), route("/a/{x}"), route("/a/b"), route("/a/b/c"), route("/a/{x}/d")});
  EXPECT_EQ(matched(routes, "/a/b"), "/a/b");
  EXPECT_EQ(matched(routes, "/a/z"), "/a/{x}");
  EXPECT_EQ(matched(routes, "/a/b/c"), "/a/b/c");
  EXPECT_EQ(matched(routes, "/a/b/d"), "/a/{x}/d");  // the literal branch has no such end
  EXPECT_EQ(matched(routes, "/a/b/e"), "/{rest...}");
}

TEST(RouteTable, TheMostSpecificPathAloneDecidesAboutTheMethod) {
  const RouteTable routes = table({route("/a/b", {"GET"}), route("/a/{x}", {"GET", "DELETE"})});
  const RouteMatch match = routes.match("DELETE", "/a/b");
  EXPECT_EQ(match.kind, Kind::method_not_allowed);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed_methods, "GET");
}

TEST(RouteTable, MethodsAreCaseSensitiveAndGetIsNotHead) {
  const RouteTable routes = table({route("/a", {"GET", "POST"})});
  EXPECT_EQ(routes.match("POST", "/a").kind, Kind::found);
  for (const std::string_view method : {"get", "HEAD", "OPTIONS", "", "GETX"}) {
    EXPECT_EQ(routes.match(method, "/a").kind, Kind::method_not_allowed) << method;
  }
  EXPECT_EQ(routes.match("PUT", "/a").allowed_methods, "GET, POST");
}

TEST(RouteTable, MethodsOfOnePathMayNeedDifferentScopes) {
  auto read = route("/a");
  read.scopes = {"payments:read"};
  auto write = route("/a", {"POST"});
  write.scopes = {"payments:write", "payments:read"};
  const RouteTable routes = table({read, write});
  EXPECT_EQ(routes.match("GET", "/a").route->scopes.to_string(), "payments:read");
  EXPECT_EQ(routes.match("POST", "/a").route->scopes.to_string(), "payments:read payments:write");
}

TEST(RouteTable, TheRootIsARoute) {
  const RouteTable routes = table({route("/")});
  EXPECT_EQ(matched(routes, "/"), "/");
  EXPECT_EQ(routes.match("GET", "/a").kind, Kind::path_unknown);
}

TEST(RouteTable, AnEmptyTableMatchesNothing) {
  const RouteTable routes = table({});
  EXPECT_EQ(routes.match("GET", "/").kind, Kind::path_unknown);
}

TEST(RouteTable, RefusesPathsThatNoCanonicalPathCouldMatch) {
  for (const char* path :
       {"", "a", "/a//b", "/a/../b", "/a/./b", "/a?b", "/a#b", "/a;b", "/a b", "/{}", "/{a", "/a}",
        "/{a}b", "/x{a}", "/{a-b}", "/{a...}/b", "/{...}", "/{a..}"}) {
    EXPECT_EQ(refusal(route(path)), "route.bad_path") << path;
  }
}

TEST(RouteTable, RefusesMethodsThatCannotBeRouted) {
  for (const char* method : {"", "G T", "CONNECT", "TRACE"}) {
    EXPECT_EQ(refusal(route("/a", {method})), "route.bad_method") << method;
  }
  EXPECT_EQ(refusal(route("/a", {})), "route.bad_method");
}

TEST(RouteTable, RefusesTheSameMethodAndPathTwice) {
  const auto made = RouteTable::create({route("/a/{x}"), route("/a/{y}")});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "route.duplicate");
  EXPECT_EQ(refusal(route("/a", {"GET", "GET"})), "route.duplicate");
}

TEST(RouteTable, ARouteWithoutScopesMustSaySo) {
  RouteOptions open = route("/a");
  open.scopes = {};
  EXPECT_EQ(refusal(open), "route.no_scopes");
  open.unsafe_any_scope = true;
  EXPECT_EQ(refusal(open), "");
}

TEST(RouteTable, RefusesScopesAndSchemesThatCannotBe) {
  RouteOptions options = route("/a");
  options.scopes = {"two words"};
  EXPECT_EQ(refusal(options), "route.bad_scope");
  options = route("/a");
  options.schemes = {"basic"};
  EXPECT_EQ(refusal(options), "route.unknown_scheme");
}

TEST(RouteTable, KnowsTheSchemesOfARoute) {
  RouteOptions options = route("/a");
  options.schemes = {"oauth2_certificate"};
  const RouteTable routes = table({options, route("/b")});
  EXPECT_EQ(routes.match("GET", "/a").route->schemes,
            scheme_bit(*find_scheme("oauth2_certificate")));
  EXPECT_EQ(routes.match("GET", "/b").route->schemes, 0u);
}

}  // namespace
}  // namespace countersign::provider
