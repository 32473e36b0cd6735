// What a decision costs: how often a signature is verified, and that a credential seen before costs
// no allocation.

#include "provider/gateway/authenticator.h"

#include <gtest/gtest.h>

#include "provider/gateway/gateway_testbed.h"
#include "provider/schemes/scheme_registry.h"

// AddressSanitizer's own; absent without it.
extern "C" __attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void*, size_t), void (*on_free)(const volatile void*));

namespace countersign::provider {
namespace {

using testing::GatewayTestbed;
using testing::TestCertificates;

constexpr uint32_t every_scheme = 0b111;

size_t allocations = 0;
void count_allocation(const volatile void*, size_t) {
  ++allocations;
}
void ignore_free(const volatile void*) {}

class AuthenticatorTest : public ::testing::Test {
 protected:
  protocol::Verdict<PrincipalPtr> ask(std::string_view token) {
    bed.view.sync();
    return authenticator.authenticate({find_scheme("oauth2_bearer")->authorization, token},
                                      every_scheme, bed.view, bed.clock.wall_now());
  }

  GatewayTestbed bed;
  Authenticator authenticator{bed.trust, bed.peppers, 1000};
};

TEST_F(AuthenticatorTest, RemembersWhatItVerifiedAndOnlyThat) {
  const std::string token = bed.token();
  const auto first = ask(token);
  ASSERT_TRUE(first);
  EXPECT_EQ(authenticator.cached(), 1u);
  const auto second = ask(token);
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);  // the same object: nothing was verified again
  ASSERT_FALSE(ask("abc"));
  ASSERT_FALSE(ask(bed.token({.client_id = "nobody"})));
  EXPECT_EQ(authenticator.cached(), 1u);
}

TEST_F(AuthenticatorTest, AChangeOfTheRegistryCostsNoSignature) {
  const std::string token = bed.token();
  const PrincipalPtr before = ask(token).value();
  bed.load();
  // Signed by a key that would no longer verify, but the trust was not replaced: only what is
  // remembered can answer.
  const PrincipalPtr after = ask(token).value();
  EXPECT_NE(before, after);
  EXPECT_NE(before->client_entry(), after->client_entry());
  EXPECT_EQ(before->token_id(), after->token_id());
  EXPECT_EQ(authenticator.cached(), 1u);
}

TEST_F(AuthenticatorTest, ARevokedTokenStaysRemembered) {
  const std::string token = bed.token();
  ASSERT_TRUE(ask(token));
  bed.cut_off(store::SubjectKind::token, bed.last_token_id, bed.clock.wall_now());
  for (int i = 0; i < 3; ++i) {
    const auto verdict = ask(token);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().reason, protocol::Reason::token_revoked);
  }
  EXPECT_EQ(authenticator.cached(), 1u);
}

TEST_F(AuthenticatorTest, WhatNoSchemeCouldAcceptIsNotVerified) {
  bed.view.sync();
  const auto verdict = authenticator.authenticate(
      {find_scheme("oauth2_bearer")->authorization, bed.token()},
      scheme_bit(*find_scheme("api_key")), bed.view, bed.clock.wall_now());
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().reason, protocol::Reason::scheme_not_accepted);
  EXPECT_EQ(authenticator.cached(), 0u);
}

TEST(PipelineCost, ADecisionAboutACredentialSeenBeforeAllocatesNothing) {
  if (__sanitizer_install_malloc_and_free_hooks == nullptr) {
    GTEST_SKIP() << "allocations are counted by AddressSanitizer's hooks";
  }
  GatewayTestbed bed;
  const auto policy = GatewayPolicy::create(GatewayTestbed::default_options()).value();
  Pipeline pipeline(policy, bed.view, bed.trust, bed.peppers);
  const auto& shop = TestCertificates::get().shop;
  const std::string authorization = "Bearer " + bed.token({.client_id = "shop", .bound_to = &shop});
  testing::FakeExchange exchange = bed.post(authorization);
  exchange.certificate(&shop);
  const auto decide = [&] {
    Findings findings;
    return pipeline
        .decide(exchange.request(), exchange.peer(), {bed.clock.wall_now(), bed.executor.now()},
                findings)
        .has_value();
  };
  ASSERT_TRUE(decide());
  ASSERT_GT(__sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free), 0);
  allocations = 0;
  const bool allowed = decide();
  const size_t counted = allocations;
  EXPECT_TRUE(allowed);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace countersign::provider
