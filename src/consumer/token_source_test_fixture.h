// A token source with a scripted issuer, for the tests of the grant, of discovery and of
// refreshing.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "consumer/token_source.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/test_executor.h"

namespace countersign::consumer {

using testing::FakeAnswer;

inline FakeAnswer json(int status, std::string body) {
  return {.status = status,
          .fields = {{"Content-Type", "application/json;charset=UTF-8"}},
          .body = std::move(body)};
}
inline FakeAnswer token(std::string members = R"(,"expires_in":300)") {
  return json(200, R"({"access_token":"abc.def","token_type":"Bearer")" + members + "}");
}
inline FakeAnswer oauth_error(int status, std::string_view code) {
  return json(status, R"({"error":")" + std::string(code) + R"("})");
}

inline constexpr std::chrono::seconds request_time{10};

class OAuthTokenSourceTest : public ::testing::Test {
 protected:
  OAuthSourceOptions options() const {
    return {.issuer = "https://issuer.example",
            .token_path = "/oauth2/token",
            .auth = authentication("client_secret_basic"),
            .scopes = {"payments:read", "payments:write"},
            .resources = {"https://api.example"}};
  }
  static ClientAuthentication authentication(std::string_view name) {
    const ClientAuthMethod& method = *find_client_auth_method(name);
    ClientCredential credential{.client_id = "shop one", .certificate_thumbprint = "t"};
    if (method.shows == ClientAuthMethod::Shows::secret)
      credential.secret = Secret::copy_of("p:ss/w");
    if (method.shows == ClientAuthMethod::Shows::signature)
      credential.key = crypto::PrivateKey::generate(crypto::es256).value();
    return ClientAuthentication::create(method, std::move(credential)).value();
  }
  std::expected<TokenGrant, TokenFailure> fetch(OAuthTokenSource& source,
                                                bool last_refused = false) {
    std::optional<std::expected<TokenGrant, TokenFailure>> result;
    loop_.spawn(fetch_into(
        source, {.deadline = loop_.now() + request_time, .last_refused = last_refused}, result));
    loop_.advance(request_time);
    if (!result) panic("a token request did not end by its deadline");
    return *std::move(result);
  }
  std::expected<TokenGrant, TokenFailure> fetch_one(FakeAnswer answer) {
    issuer_.then(std::move(answer));
    OAuthTokenSource source(issuer_, clock_, entropy_, options());
    return fetch(source);
  }
  void expect_transient(FakeAnswer answer, std::string_view code) {
    const auto result = fetch_one(std::move(answer));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error.code, code);
    EXPECT_FALSE(result.error().permanent);
  }

  testing::FakeClock clock_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient issuer_{loop_};
  testing::FakeEntropy entropy_;

 private:
  static Task<void> fetch_into(OAuthTokenSource& source, FetchRequest request,
                               std::optional<std::expected<TokenGrant, TokenFailure>>& result) {
    auto got = co_await source.fetch(request);
    result.emplace(std::move(got));
  }
};

}  // namespace countersign::consumer
