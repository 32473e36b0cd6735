#include "consumer/egress/caller_policy.h"

#include <gtest/gtest.h>

namespace countersign::consumer {
namespace {

using protocol::Reason;

const std::vector<std::string> apis = {"acme", "ledger"};

http::PeerInfo local(uint32_t uid, uint32_t gid = 100) {
  return {.address = {}, .local = http::LocalPeer{.uid = uid, .gid = gid, .pid = 7}};
}
http::PeerInfo from(std::string_view address) {
  return {.address = {.address = *IpAddress::parse(address), .port = 5}};
}

CallerPolicy policy(const std::vector<CallerRuleOptions>& rules) {
  auto made = CallerPolicy::create(rules, apis);
  EXPECT_TRUE(made) << made.error().for_log();
  return *std::move(made);
}

std::optional<Reason> ask(const CallerPolicy& rules, const http::PeerInfo& peer,
                          std::string_view path = "/v1/payments", std::string_view method = "POST",
                          std::string_view api = "acme") {
  return rules.refusal_of({.peer = peer, .api = api, .method = method, .path = path});
}

TEST(CallerPolicy, WithoutRulesEveryoneMayCall) {
  const CallerPolicy none = policy({});
  EXPECT_FALSE(none.has_rules());
  EXPECT_EQ(ask(none, local(1)), std::nullopt);
  EXPECT_EQ(ask(none, from("192.0.2.1"), "//odd"), std::nullopt);
}

TEST(CallerPolicy, WithARuleEveryoneElseIsDenied) {
  const CallerPolicy rules = policy({{.uids = {1000}, .apis = {"acme"}}});
  EXPECT_EQ(ask(rules, local(1000)), std::nullopt);
  EXPECT_EQ(ask(rules, local(1001)), Reason::caller_not_allowed);
  EXPECT_EQ(ask(rules, local(0)), Reason::caller_not_allowed) << "root is nobody special";
  EXPECT_EQ(ask(rules, from("127.0.0.1")), Reason::caller_not_allowed) << "TCP has no user";
  EXPECT_EQ(ask(rules, local(1000), "/v1/payments", "POST", "ledger"), Reason::call_not_allowed);
}

TEST(CallerPolicy, KnowsGroups) {
  const CallerPolicy rules = policy({{.gids = {200, 201}, .apis = {"acme"}}});
  EXPECT_EQ(ask(rules, local(5, 201)), std::nullopt);
  EXPECT_EQ(ask(rules, local(200, 5)), Reason::caller_not_allowed);
}

TEST(CallerPolicy, AnyLocalIsThisMachineOnly) {
  const CallerPolicy rules = policy({{.any_local = true, .apis = {"acme"}}});
  EXPECT_EQ(ask(rules, local(5)), std::nullopt);
  EXPECT_EQ(ask(rules, from("127.0.0.1")), std::nullopt);
  EXPECT_EQ(ask(rules, from("::1")), std::nullopt);
  EXPECT_EQ(ask(rules, from("192.0.2.1")), Reason::caller_not_allowed);
}

TEST(CallerPolicy, MethodsAreExact) {
  const CallerPolicy rules = policy({{.uids = {1}, .apis = {"acme"}, .methods = {"GET", "POST"}}});
  EXPECT_EQ(ask(rules, local(1), "/x", "GET"), std::nullopt);
  for (const std::string_view method : {"HEAD", "get", "DELETE", "POSTS", ""})
    EXPECT_EQ(ask(rules, local(1), "/x", method), Reason::call_not_allowed) << method;
}

TEST(CallerPolicy, PathsAreTemplates) {
  const CallerPolicy rules =
      policy({{.uids = {1}, .apis = {"acme"}, .paths = {"/v1/payments", "/v1/payments/{id}"}}});
  EXPECT_EQ(ask(rules, local(1), "/v1/payments"), std::nullopt);
  EXPECT_EQ(ask(rules, local(1), "/v1/payments/7"), std::nullopt);
  for (const std::string_view path : {"/v1/payments/", "/v1/payments/7/refunds", "/v1", "/"})
    EXPECT_EQ(ask(rules, local(1), path), Reason::call_not_allowed) << path;
}

TEST(CallerPolicy, APathWithSeveralReadingsIsNotJudged) {
  const CallerPolicy rules = policy({{.uids = {1}, .apis = {"acme"}, .paths = {"/v1/{id}"}}});
  for (const std::string_view path :
       {"/v1/a%2Fb", "/v1/a;x", "/v1/%61", "/v1/..", "//v1/a", "/v1/a%00", "/v1/a\\b", "*"}) {
    EXPECT_EQ(ask(rules, local(1), path), Reason::path_not_canonical) << path;
  }
}

TEST(CallerPolicy, RulesOfOneCallerAddUp) {
  const CallerPolicy rules =
      policy({{.uids = {1}, .apis = {"acme"}, .methods = {"GET"}},
              {.gids = {100}, .apis = {"acme"}, .methods = {"POST"}, .paths = {"/v1/payments"}},
              {.uids = {2}, .apis = {"ledger"}}});
  EXPECT_EQ(ask(rules, local(1), "/any", "GET"), std::nullopt);
  EXPECT_EQ(ask(rules, local(1), "/v1/payments", "POST"), std::nullopt);
  EXPECT_EQ(ask(rules, local(1), "/any", "POST"), Reason::call_not_allowed);
  EXPECT_EQ(ask(rules, local(1), "/any", "GET", "ledger"), Reason::call_not_allowed);
}

TEST(CallerPolicy, RefusesRulesThatMeanNothing) {
  for (const CallerRuleOptions& rule : std::vector<CallerRuleOptions>{
           {.apis = {"acme"}},
           {.uids = {1}},
           {.uids = {1}, .apis = {"other"}},
           {.uids = {1}, .apis = {"acme"}, .methods = {"A B"}},
           {.uids = {1}, .apis = {"acme"}, .paths = {"v1"}},
       }) {
    const auto made = CallerPolicy::create({{.uids = {9}, .apis = {"acme"}}, rule}, apis);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "egress.bad_caller");
    EXPECT_NE(made.error().public_text.find("caller[1]"), std::string::npos);
  }
}

TEST(CallerName, SaysWhoWithoutTheProcess) {
  EXPECT_EQ(caller_name(local(1000)), "unix:uid=1000");
  EXPECT_EQ(caller_name(from("127.0.0.1")), "127.0.0.1");
  EXPECT_EQ(caller_name(from("::1")), "::1");
}

}  // namespace
}  // namespace countersign::consumer
