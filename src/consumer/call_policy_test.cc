#include "consumer/call_policy.h"

#include <gtest/gtest.h>

#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

TEST(CallPolicy, MatchesPathsByWholeSegments) {
  EXPECT_TRUE(matches_route("/v1/payments", "/v1/payments"));
  EXPECT_FALSE(matches_route("/v1/payments", "/v1/payments/"));
  EXPECT_FALSE(matches_route("/v1/payments", "/v1/paymentsx"));
  EXPECT_FALSE(matches_route("/v1/payments", "/V1/payments"));
  EXPECT_FALSE(matches_route("/v1/payments", "/v1"));
  EXPECT_FALSE(matches_route("/v1/payments", "*"));
  EXPECT_TRUE(matches_route("/v1/{id}", "/v1/p"));
  EXPECT_FALSE(matches_route("/v1/{id}", "/v1/"));
  EXPECT_FALSE(matches_route("/v1/{id}", "/v1/p/q"));
  EXPECT_TRUE(matches_route("/v1/{id}/refunds", "/v1/p/refunds"));
  EXPECT_TRUE(matches_route("/{rest...}", "/v1/p/q"));
  EXPECT_FALSE(matches_route("/v1/{rest...}", "/v1"));
  EXPECT_FALSE(matches_route("/v1/{rest...}", "/v1/"));
  EXPECT_TRUE(matches_route("/", "/"));
}

TEST(CallPolicy, TakesTheFirstRouteThatMatchesMethodAndPath) {
  testing::FakeEntropy entropy;
  CallPolicy policy({.otherwise = {.retries_max = 1},
                     .routes = {{.methods = {"POST"}, .path = "/a", .rule = {.retries_max = 2}},
                                {.path = "/a", .rule = {.retries_max = 3}}}},
                    entropy);
  EXPECT_EQ(policy.rule_for("POST", "/a").retries_max, 2);
  EXPECT_EQ(policy.rule_for("GET", "/a").retries_max, 3);
  EXPECT_EQ(policy.rule_for("POST", "/b").retries_max, 1);
}

TEST(CallPolicy, RefusesWhatMakesNoSense) {
  const auto check = [](CallRoute route) {
    return check_call_policy({.routes = {std::move(route)}}).has_value();
  };
  EXPECT_TRUE(check({.path = "/v1/{id}"}));
  EXPECT_TRUE(check({.path = "/{rest...}"}));
  for (const char* path : {"", "v1", "/{}", "/{rest...}/x", "/a{b", "/a?b", "/*"})
    EXPECT_FALSE(check({.path = path})) << path;
  EXPECT_FALSE(check({.path = "/a", .rule = {.retries_max = -1}}));
  EXPECT_FALSE(check({.path = "/a", .rule = {.backoff_first = 0ms}}));
  EXPECT_FALSE(check({.path = "/a", .rule = {.backoff_first = 3s, .backoff_max = 2s}}));
  EXPECT_FALSE(check({.path = "/a", .rule = {.deadline = 0ms}}));
  for (const int status : {200, 399, 401, 600})
    EXPECT_FALSE(check({.path = "/a", .rule = {.retry_statuses = {status}}})) << status;
  EXPECT_FALSE(check_call_policy({.budget = {.percent = 101}}));
  EXPECT_FALSE(check_call_policy({.budget = {.burst = -1}}));
}

TEST(CallPolicy, DoublesThePauseUpToItsMostAndLeavesHalfToChance) {
  testing::FakeEntropy entropy;
  CallPolicy policy({}, entropy);
  const CallRule rule{.backoff_first = 100ms, .backoff_max = 300ms};
  for (int round = 0; round < 20; ++round) {
    int repeat = 1;
    for (const auto most : {100ms, 200ms, 300ms, 300ms}) {
      const auto pause = policy.backoff(rule, repeat++);
      EXPECT_GE(pause, most / 2);
      EXPECT_LE(pause, most);
    }
  }
  EXPECT_NE(policy.backoff(rule, 1), policy.backoff(rule, 1));
}

TEST(RetryBudget, LetsABurstAndThenAShareOfTheCallsBeRepeated) {
  RetryBudget budget({.percent = 20, .burst = 2});
  EXPECT_TRUE(budget.spend());
  EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend());
  int repeats = 0;
  for (int call = 0; call < 1000; ++call) {
    budget.count_call();
    repeats += budget.spend() ? 1 : 0;
  }
  EXPECT_EQ(repeats, 200);
  for (int call = 0; call < 1000; ++call) budget.count_call();
  EXPECT_TRUE(budget.spend());
  EXPECT_TRUE(budget.spend());
  EXPECT_FALSE(budget.spend()) << "no more is saved up than a burst";
}

}  // namespace
}  // namespace countersign::consumer
