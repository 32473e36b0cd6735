#include "provider/gateway/gateway_policy.h"

#include <gtest/gtest.h>

#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {
namespace {

GatewayOptions good() {
  GatewayOptions options;
  options.routes = {{.methods = {"GET"}, .path = "/a", .scopes = {"s"}, .schemes = {}}};
  return options;
}

std::string refusal(const GatewayOptions& options) {
  const auto policy = GatewayPolicy::create(options);
  return policy ? "" : policy.error().code;
}

TEST(GatewayPolicy, AcceptsItsDefaults) {
  const auto policy = GatewayPolicy::create(good());
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->schemes_of(nullptr), 0b111u);
}

TEST(GatewayPolicy, NeedsARouteAndAScheme) {
  GatewayOptions options = good();
  options.routes.clear();
  EXPECT_EQ(refusal(options), "gateway.no_routes");
  options = good();
  options.schemes.clear();
  EXPECT_EQ(refusal(options), "gateway.no_schemes");
  options.schemes = {"none"};
  EXPECT_EQ(refusal(options), "gateway.unknown_scheme");
}

TEST(GatewayPolicy, RefusesFieldsThatCannotCarryAKey) {
  for (const char* field : {"two words", "Authorization", "authorization", "a:b"}) {
    GatewayOptions options = good();
    options.api_key_field = field;
    EXPECT_EQ(refusal(options), "gateway.bad_field") << field;
  }
  GatewayOptions options = good();
  options.realm = "a\"b";
  EXPECT_EQ(refusal(options), "gateway.bad_field");
}

TEST(GatewayPolicy, RefusesLimitsOfZero) {
  GatewayOptions options = good();
  options.verification_cache_entries = 0;
  EXPECT_EQ(refusal(options), "gateway.bad_limit");
  options = good();
  options.upstream_head_timeout = {};
  EXPECT_EQ(refusal(options), "gateway.bad_limit");
}

TEST(GatewayPolicy, PassesARoutesErrorOn) {
  GatewayOptions options = good();
  options.routes[0].path = "a";
  EXPECT_EQ(refusal(options), "route.bad_path");
}

TEST(SchemeRegistry, EachRowHasItsOwnNameAndBit) {
  uint32_t bits = 0;
  for (const SchemeRow& row : all_schemes()) {
    EXPECT_EQ(find_scheme(row.name), &row);
    EXPECT_EQ(bits & scheme_bit(row), 0u);
    bits |= scheme_bit(row);
  }
  EXPECT_EQ(find_scheme(""), nullptr);
  EXPECT_EQ(find_scheme("Bearer"), nullptr);
}

}  // namespace
}  // namespace countersign::provider
