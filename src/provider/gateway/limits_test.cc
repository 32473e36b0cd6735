// How often a client may call, as a consumer sees it.

#include "provider/gateway/limits.h"

#include <gtest/gtest.h>

#include "provider/gateway/gateway_testbed.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::GatewayTestbed;
using testing::seconds;

class Limits : public ::testing::Test {
 protected:
  void limit(std::optional<RateLimit> client, std::optional<RateLimit> credential) {
    GatewayOptions options = GatewayTestbed::default_options();
    options.limits = {client, credential};
    bed.rebuild(options);
  }
  int status(std::string_view authorization) {
    FakeExchange exchange = bed.get(authorization);
    return bed.serve(exchange).status();
  }

  static constexpr RateLimit three{.requests = 3, .window = seconds(60), .burst = 3};
  static constexpr RateLimit two{.requests = 2, .window = seconds(60), .burst = 2};
  GatewayTestbed bed;
};

TEST_F(Limits, WithoutOneNothingIsCountedAndNothingSaid) {
  const std::string token = "Bearer " + bed.token();
  FakeExchange exchange = bed.get(token);
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_FALSE(exchange.response_field("RateLimit"));
  EXPECT_FALSE(exchange.response_field("RateLimit-Policy"));
}

TEST_F(Limits, AnAllowedRequestHearsWhatIsLeft) {
  limit(three, std::nullopt);
  FakeExchange exchange = bed.get("Bearer " + bed.token());
  bed.serve(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(exchange.response_field("RateLimit-Policy"), "\"client\";q=3;w=60");
  EXPECT_EQ(exchange.response_field("RateLimit"), "\"client\";r=2;t=20");
}

TEST_F(Limits, OneTooManyIsRefusedAndToldWhenToComeBack) {
  limit(three, std::nullopt);
  const std::string token = "Bearer " + bed.token();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status(token), 200);
  FakeExchange exchange = bed.get(token);
  EXPECT_EQ(bed.reason(exchange), "rate_limited");
  EXPECT_EQ(exchange.status(), 429);
  EXPECT_EQ(exchange.response_field("Retry-After"), "20");
  EXPECT_EQ(exchange.response_field("RateLimit"), "\"client\";r=0;t=60");
  EXPECT_EQ(bed.upstream.requests().size(), 3u);
  bed.clock.advance(seconds(20));
  EXPECT_EQ(status("Bearer " + bed.token()), 200);
  EXPECT_EQ(status("Bearer " + bed.token()), 429);
}

TEST_F(Limits, AllCredentialsOfAClientShareItsLimitAndNoOthers) {
  limit(three, std::nullopt);
  EXPECT_EQ(status("ApiKey " + bed.key()), 200);
  EXPECT_EQ(status("ApiKey " + bed.key()), 200);
  EXPECT_EQ(status("Bearer " + bed.token()), 200);
  EXPECT_EQ(status("Bearer " + bed.token()), 429);
  FakeExchange shop = bed.get("Bearer " + bed.token({.client_id = "shop"}));
  shop.certificate(&testing::TestCertificates::get().shop);
  EXPECT_EQ(bed.serve(shop).status(), 200);
}

TEST_F(Limits, EachCredentialHasItsOwnLimitBesideTheClients) {
  limit(three, two);
  const std::string key = "ApiKey " + bed.key();
  EXPECT_EQ(status(key), 200);
  EXPECT_EQ(status(key), 200);
  FakeExchange over = bed.get(key);
  EXPECT_EQ(bed.reason(over), "rate_limited");
  EXPECT_EQ(over.response_field("RateLimit-Policy"), "\"credential\";q=2;w=60");
  // What the key was refused is not taken from the client.
  EXPECT_EQ(status("ApiKey " + bed.key()), 200);
  const std::string other = "ApiKey " + bed.key();
  EXPECT_EQ(status(other), 429);
  // What the client was refused is not taken from the key.
  bed.clock.advance(seconds(20));
  EXPECT_EQ(status(other), 200);
  EXPECT_EQ(status(other), 429);
  bed.clock.advance(seconds(20));
  EXPECT_EQ(status(other), 200);
}

TEST_F(Limits, ARequestThatIsRefusedOtherwiseIsNotCounted) {
  limit(two, std::nullopt);
  const std::string token = "Bearer " + bed.token({.scope = "payments:read"});
  for (int i = 0; i < 5; ++i) {
    FakeExchange denied = bed.post(token);
    EXPECT_EQ(bed.reason(denied), "scope_insufficient");
  }
  EXPECT_EQ(status(token), 200);
  EXPECT_EQ(status(token), 200);
  EXPECT_EQ(status(token), 429);
}

TEST_F(Limits, AChangeOfTheRecordGivesNoFreshBucket) {
  limit(two, std::nullopt);
  const std::string token = "Bearer " + bed.token();
  EXPECT_EQ(status(token), 200);
  EXPECT_EQ(status(token), 200);
  bed.load();
  EXPECT_EQ(status(token), 429);
}

TEST_F(Limits, ThePaymentApisOwnWordIsNotMixedIn) {
  limit(three, std::nullopt);
  bed.upstream.then({.status = 200, .fields = {{"ratelimit", "\"api\";r=1;t=1"}}, .body = "{}"});
  FakeExchange exchange = bed.get("Bearer " + bed.token());
  bed.serve(exchange);
  EXPECT_EQ(exchange.response_fields("RateLimit").size(), 1u);
}

}  // namespace
}  // namespace countersign::provider
