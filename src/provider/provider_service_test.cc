// Issuer and gateway on one listener: a token that the one grants is what the other takes.

#include "provider/provider_service.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "provider/gateway/gateway_testbed.h"

namespace countersign::provider {
namespace {

using testing::FakeExchange;
using testing::GatewayTestbed;
using testing::TestCertificates;

class ProviderServiceTest : public ::testing::Test {
 protected:
  ProviderServiceTest() {
    bed.client("shop").auth_method = store::ClientAuthMethod::self_signed_tls_client_auth;
    bed.client("shop").certificate_bound_access_tokens = true;
    bed.load();
    bed.view.sync();
    IssuerOptions options;
    options.issuer = "https://issuer.example";
    options.audience = "https://api.example";
    options.environment = "test";
    options.signing_keys = {bed.signing_key};
    issuer =
        Issuer::create(options, {bed.view, bed.peppers, bed.audit, bed.clock, bed.entropy}).value();
    auto trusted = std::make_shared<TokenTrust>();
    trusted->keys = issuer->keys();
    trusted->rules.issuer = options.issuer;
    trusted->rules.audience = options.audience;
    trusted->rules.typ = std::string(jose::access_token_typ);
    trust.publish(std::move(trusted));
  }
  void serve(FakeExchange& exchange) {
    GatewayService gateway(policy, {bed.view, trust, bed.peppers, bed.upstream, bed.audit,
                                    bed.clock, bed.executor, bed.entropy});
    ProviderService service(*issuer, gateway);
    bed.executor.spawn(service.serve(exchange));
    bed.executor.run();
  }

  GatewayTestbed bed;
  std::unique_ptr<Issuer> issuer;
  Published<TokenTrust> trust;
  GatewayPolicy policy = GatewayPolicy::create(GatewayTestbed::default_options()).value();
};

TEST_F(ProviderServiceTest, ATokenOfTheIssuerOpensTheGatewayUntilItIsRevoked) {
  const auto& shop = TestCertificates::get().shop;
  FakeExchange grant("POST", issuer->token_path());
  grant.field("Host", "issuer.example")
      .field("Content-Type", "application/x-www-form-urlencoded")
      .from("10.1.2.3")
      .certificate(&shop)
      .body("grant_type=client_credentials&client_id=shop");
  serve(grant);
  ASSERT_EQ(grant.status(), 200) << grant.answer();
  const auto answer = parse_json(grant.answer());
  ASSERT_TRUE(answer);
  const std::string authorization = "Bearer " + *string_member(*answer, "access_token");

  FakeExchange call = bed.post(authorization);
  call.certificate(&shop);
  serve(call);
  EXPECT_EQ(call.status(), 200) << call.answer();

  FakeExchange stolen = bed.post(authorization);
  stolen.certificate(&TestCertificates::get().other);
  serve(stolen);
  EXPECT_EQ(stolen.response_field("Countersign-Reason"), "certificate_mismatch");

  bed.cut_off(store::SubjectKind::client, "shop", bed.clock.wall_now());
  FakeExchange revoked = bed.post(authorization);
  revoked.certificate(&shop);
  serve(revoked);
  EXPECT_EQ(revoked.response_field("Countersign-Reason"), "token_revoked");
}

TEST_F(ProviderServiceTest, AnotherSpellingOfAnIssuersPathIsTheGatewaysToRefuse) {
  FakeExchange exact("GET", issuer->jwks_path());
  serve(exact);
  EXPECT_EQ(exact.status(), 200);
  FakeExchange other("GET", "/." + issuer->jwks_path());
  serve(other);
  EXPECT_EQ(other.response_field("Countersign-Reason"), "path_not_canonical");
  FakeExchange unknown("GET", issuer->jwks_path() + "x");
  serve(unknown);
  EXPECT_EQ(unknown.response_field("Countersign-Reason"), "route_unknown");
}

}  // namespace
}  // namespace countersign::provider
