// A token that is revoked while ten thousand calls use it: one grant, and no call is repeated more
// than once.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"
#include "consumer/schemes/scheme_registry.h"
#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using testing::FakeAnswer;
using testing::FakeExchange;
using testing::FakeRequest;

constexpr int calls = 10'000;

class EgressRevocation : public EgressTest {
 protected:
  EgressRevocation() {
    issuer_.otherwise([this](const FakeRequest&) {
      ++grants_;
      return FakeAnswer{.status = 200,
                        .fields = {{"Content-Type", "application/json"}},
                        .body = R"({"access_token":"t)" + std::to_string(grants_) +
                                R"(","token_type":"Bearer","expires_in":3600})",
                        .delay = 300ms};
    });
    // Answers take a while, so that revocation meets calls in every state.
    upstream_.otherwise([this](const FakeRequest& request) {
      const bool good = request.value("Authorization") == "Bearer t" + std::to_string(valid_);
      FakeAnswer answer = good ? FakeAnswer{.status = 201} : invalid_token();
      answer.delay = std::chrono::milliseconds(1 + upstream_.requests().size() % 50);
      return answer;
    });
    SchemeSettings settings;
    settings.texts = {
        {"issuer", "https://issuer.example"}, {"token_path", "/token"}, {"client_id", "shop"}};
    settings.secrets.emplace("client_secret", Secret::copy_of("s"));
    oauth_ = make_scheme("oauth2_bearer", settings,
                         {.home = loop_, .clock = clock_, .entropy = entropy_, .issuer = &issuer_})
                 .value();
    on_loop_ = oauth_->for_loop(loop_);
    EgressApi bearer = api("acme", "/acme", upstream_);
    bearer.scheme = on_loop_.get();
    bearer.process_scheme = oauth_.get();
    egress({bearer});
    oauth_->start();
    loop_.advance(1s);
  }
  ~EgressRevocation() override { service_.reset(); }

  void begin(int count) {
    for (int i = 0; i < count; ++i) {
      exchanges_.push_back(std::make_unique<FakeExchange>("POST", "/acme/payments"));
      exchanges_.back()->body("payment");
      loop_.spawn(egress().serve(*exchanges_.back()));
    }
  }
  int count_of(std::string_view attempts) {
    int count = 0;
    for (const auto& exchange : exchanges_)
      count += exchange->response_field("Countersign-Attempts") == attempts;
    return count;
  }

  testing::FakeEntropy entropy_;
  testing::FakeClient issuer_{loop_};
  std::unique_ptr<ProcessScheme> oauth_;
  std::unique_ptr<Scheme> on_loop_;
  std::vector<std::unique_ptr<FakeExchange>> exchanges_;
  int grants_ = 0;
  int valid_ = 1;
};

TEST_F(EgressRevocation, CausesOneGrantAndRepeatsEachCallAtMostOnce) {
  begin(calls / 2);
  loop_.advance(10ms);
  valid_ = 2;  // the first token is revoked
  begin(calls / 2);
  loop_.advance(5s);
  ASSERT_EQ(loop_.tasks_running(), 0u);
  for (const auto& exchange : exchanges_) ASSERT_EQ(exchange->status(), 201);
  EXPECT_EQ(grants_, 2) << "the first token and its successor";
  EXPECT_GT(count_of("2"), 0);
  EXPECT_EQ(count_of("1") + count_of("2"), calls);
  EXPECT_EQ(upstream_.requests().size(), static_cast<size_t>(calls + count_of("2")));
}

TEST_F(EgressRevocation, WithoutASuccessorNoCallIsSentTwiceAndTheIssuerIsLeftAlone) {
  issuer_.otherwise([this](const FakeRequest&) {
    ++grants_;
    return FakeAnswer{.status = 429, .fields = {{"Retry-After", "60"}}};
  });
  valid_ = 2;
  begin(calls);
  loop_.advance(20s);
  ASSERT_EQ(loop_.tasks_running(), 0u);
  EXPECT_EQ(grants_, 2);
  EXPECT_EQ(upstream_.requests().size(), static_cast<size_t>(calls));
  for (const auto& exchange : exchanges_) ASSERT_EQ(exchange->status(), 503);
}

}  // namespace
}  // namespace countersign::consumer
