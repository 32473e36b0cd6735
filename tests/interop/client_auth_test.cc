// Each client authentication method against an issuer and an API that are not ours.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/json.h"
#include "core/temporary_folder.h"
#include "crypto/key.h"
#include "drill/installation.h"
#include "interop/third_parties.h"
#include "jose/jwk.h"

namespace countersign::interop {
namespace {

constexpr std::string_view client_host = "shop.consumer.example";
constexpr std::string_view secret = "a-secret: of 40 bytes & odd+characters/%";
constexpr std::string_view wrong_secret = "another secret of forty printable bytes.";

struct Case {
  std::string client;  // at the issuer; also the API's name
  std::string scheme;
  std::string registration;  // JSON members
  std::string settings;
  bool bound = false;
  bool self_signed = false;
};

std::string secret_settings(std::string_view method) {
  return fmt::format("client_auth = \"{}\"\nclient_secret_file = \"secret\"\n", method);
}
std::string key_settings(std::string_view algorithm) {
  return fmt::format(
      "client_auth = \"private_key_jwt\"\nclient_key_file = \"{0}.key\"\n"
      "client_key_algorithm = \"{0}\"\n",
      algorithm);
}

class ThirdParties : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = missing_programs(); !missing.empty()) GTEST_SKIP() << missing;
    pki_.emplace(must(drill::ThrowawayPki::create(folder_.path(), clock_, entropy_)));
    certificate_ = must(pki_->make_client(client_host));
    other_certificate_ = must(pki_->make_client("other.consumer.example"));
    self_signed_ = self_signed(folder_.path(), "self-signed");
    other_self_signed_ = self_signed(folder_.path(), "other-self-signed");
    must(drill::write_private_file(folder_ / "secret", secret));
    must(drill::write_private_file(folder_ / "wrong-secret", wrong_secret));
    for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
      const std::string name(algorithm->jose_name);
      const auto key = must(crypto::PrivateKey::generate(*algorithm));
      must(drill::write_private_file(folder_ / (name + ".key"), key.to_pem().unsafe_reveal_text()));
      must(drill::write_private_file(folder_ / (name + ".pub"), key.public_key().to_pem()));
    }
    // A key that nobody registered.
    const auto stranger = must(crypto::PrivateKey::generate(crypto::es256));
    must(drill::write_private_file(folder_ / "stranger.key",
                                   stranger.to_pem().unsafe_reveal_text()));
    must(drill::write_private_file(folder_ / "api-clients.pem",
                                   read_file(pki_->consumer_ca()) +
                                       read_file(self_signed_.certificate) +
                                       read_file(other_self_signed_.certificate)));
  }

  std::string key_registration(std::string_view algorithm) const {
    const auto pem = read_file(folder_ / (std::string(algorithm) + ".pub"));
    const auto key = must(crypto::PublicKey::from_pem(pem));
    return fmt::format(R"("token_endpoint_auth_method":"private_key_jwt","key":"{}","kid":"{}")",
                       folder_ / (std::string(algorithm) + ".pub"), jose::thumbprint(key));
  }
  std::string secret_registration(std::string_view method) const {
    return fmt::format(R"("token_endpoint_auth_method":"{}","client_secret":"{}")", method, secret);
  }
  std::string certificate_registration() const {
    return fmt::format(
        R"("token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_dns":"{}")",
        client_host);
  }
  std::string self_signed_registration() const {
    return fmt::format(
        R"("token_endpoint_auth_method":"self_signed_tls_client_auth","certificate":"{}")",
        self_signed_.certificate.string());
  }

  std::vector<Case> cases() const {
    const std::string tls = "client_auth = \"tls_client_auth\"\n";
    const std::string own = "client_auth = \"self_signed_tls_client_auth\"\n";
    std::vector<Case> all;
    for (const std::string method : {"client_secret_basic", "client_secret_post"}) {
      all.push_back({"bearer-" + method, "oauth2_bearer", secret_registration(method),
                     secret_settings(method)});
      all.push_back({"bound-" + method, "oauth2_certificate", secret_registration(method),
                     secret_settings(method), true});
    }
    for (const std::string algorithm : {"ES256", "PS256", "EdDSA"}) {
      all.push_back({"bearer-" + algorithm, "oauth2_bearer", key_registration(algorithm),
                     key_settings(algorithm)});
    }
    all.push_back({"bound-ES256", "oauth2_certificate", key_registration("ES256"),
                   key_settings("ES256"), true});
    all.push_back({"bearer-tls", "oauth2_bearer", certificate_registration(), tls});
    all.push_back({"bound-tls", "oauth2_certificate", certificate_registration(), tls, true});
    all.push_back(
        {"bearer-self-signed", "oauth2_bearer", self_signed_registration(), own, false, true});
    all.push_back(
        {"bound-self-signed", "oauth2_certificate", self_signed_registration(), own, true, true});
    return all;
  }

  void start_servers(const std::vector<Case>& registered, std::string_view methods = "") {
    std::string clients;
    for (const Case& one : registered) {
      clients += fmt::format(
          R"({}{{"client_id":"{}",{},"tls_client_certificate_bound_access_tokens":{}}})",
          clients.empty() ? "" : ",", one.client, one.registration, one.bound);
    }
    issuer_.emplace(Issuer::start(folder_.path(), *pki_, "[" + clients + "]", methods));
    api_.emplace(Api::start(folder_.path(), *pki_, folder_ / "api-clients.pem"));
  }
  std::string common_settings() const {
    return fmt::format(
        "scopes = [\"payments:read\"]\nresource = \"https://api.example\"\n"
        "token_endpoint_origins = [\"https://{}\"]\n",
        issuer_->mutual_tls().to_string());
  }
  // As registered; `wrong` changes what the client shows.
  template <typename Change>
  void start_consumer(const std::vector<Case>& all, Change wrong) {
    std::vector<EgressApi> apis;
    for (const Case& one : all) {
      EgressApi api{one.client, one.scheme, common_settings() + one.settings,
                    one.self_signed ? &self_signed_ : &certificate_};
      wrong(one, api);
      apis.push_back(std::move(api));
    }
    egress_ = start_egress(folder_.path(), *pki_, *issuer_, *api_, apis);
  }

  http::SimpleResponse call(const std::string& client) {
    http::SimpleRequest request;
    request.target = "/" + client + "/v1/payments";
    return must(egress_.backend->call(std::move(request))).response;
  }
  // The token of a call that nginx answered.
  std::string token_of(const http::SimpleResponse& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.value("Countersign-Outcome"), "answered");
    const std::string field = drill::json_text_member(answer.body, "authorization");
    EXPECT_TRUE(field.starts_with("Bearer "));
    return field.substr(std::min<size_t>(field.size(), 7));
  }
  static Json claims_of(std::string_view token) {
    const size_t first = token.find('.');
    const size_t second = token.find('.', first + 1);
    const auto payload = must(decode_base64url(token.substr(first + 1, second - first - 1)));
    return must(parse_json(as_text(payload)));
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  TemporaryFolder folder_;
  std::optional<drill::ThrowawayPki> pki_;
  drill::Identity certificate_;
  drill::Identity other_certificate_;
  drill::Identity self_signed_;
  drill::Identity other_self_signed_;
  std::optional<Issuer> issuer_;
  std::optional<Api> api_;
  Egress egress_;
};

TEST_F(ThirdParties, every_method_gets_a_token_that_the_api_sees_and_renews_it) {
  const std::vector<Case> all = cases();
  start_servers(all);
  start_consumer(all, [](const Case&, EgressApi&) {});
  std::map<std::string, std::string> tokens;
  for (const Case& one : all) {
    SCOPED_TRACE(one.client);
    const std::string token = token_of(call(one.client));
    ASSERT_FALSE(token.empty()) << egress_.process->output() << issuer_->process().output();
    const Json claims = claims_of(token);
    EXPECT_EQ(string_member(claims, "client_id"), one.client);
    EXPECT_EQ(string_member(claims, "aud"), "https://api.example");
    EXPECT_EQ(string_member(claims, "scope"), "payments:read");
    EXPECT_EQ(has_member(claims, "cnf"), one.bound);
    if (one.bound && !one.self_signed) {
      EXPECT_EQ(string_member(*claims.find("cnf"), "x5t#S256"), certificate_.thumbprint);
    }
    tokens[one.client] = token;
  }
  // Renewed ahead of their end, which is 3 s after they were issued. The second answer from now on
  // was asked for by an egress that had the first.
  const size_t from = issuer_->process().lines();
  for (const Case& one : all) {
    issuer_->wait_for_answers(one.client, 200, 2, from);
    EXPECT_NE(token_of(call(one.client)), tokens[one.client]) << one.client;
  }
  EXPECT_EQ(egress_.process->terminate(), 0);
  const std::string output = egress_.process->output();
  EXPECT_EQ(output.find("a-secret"), std::string::npos);
  EXPECT_EQ(output.find("eyJ"), std::string::npos);  // no token and no assertion
}

TEST_F(ThirdParties, a_wrong_credential_is_a_misconfiguration_and_nothing_reaches_the_api) {
  const std::vector<Case> all = cases();
  start_servers(all);
  start_consumer(all, [&](const Case& one, EgressApi& api) {
    const auto replace = [&](std::string_view what, std::string_view by) {
      const size_t at = api.settings.find(what);
      if (at != std::string::npos) api.settings.replace(at, what.size(), by);
    };
    replace("client_secret_file = \"secret\"", "client_secret_file = \"wrong-secret\"");
    for (const std::string algorithm : {"ES256", "PS256", "EdDSA"}) {
      replace("client_key_file = \"" + algorithm + ".key\"", "client_key_file = \"stranger.key\"");
      replace("client_key_algorithm = \"" + algorithm + "\"", "");
    }
    api.identity = one.self_signed ? &other_self_signed_ : &other_certificate_;
  });
  for (const Case& one : all) {
    SCOPED_TRACE(one.client);
    const http::SimpleResponse answer = call(one.client);
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_EQ(answer.value("Countersign-Outcome"), "not_sent");
    EXPECT_EQ(drill::json_text_member(answer.body, "reason"), "credential_unavailable");
    EXPECT_EQ(drill::json_text_member(answer.body, "code"), "consumer.issuer_refuses_client");
  }
  EXPECT_EQ(api_->process().output().find("api_request"), std::string::npos);
}

TEST_F(ThirdParties, what_the_metadata_does_not_offer_is_not_tried) {
  const Case one{"shop", "oauth2_bearer", secret_registration("client_secret_post"),
                 secret_settings("client_secret_basic")};
  start_servers({one}, R"(["client_secret_post"])");
  start_consumer({one}, [](const Case&, EgressApi&) {});
  const http::SimpleResponse answer = call("shop");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(drill::json_text_member(answer.body, "code"), "consumer.auth_method_not_offered");
  EXPECT_EQ(issuer_->process().output().find("issuer.answered"), std::string::npos);
  EXPECT_EQ(api_->process().output().find("api_request"), std::string::npos);
}

TEST_F(ThirdParties, a_mutual_tls_alias_that_is_not_listed_gets_no_credential) {
  const Case one{"shop", "oauth2_certificate", certificate_registration(),
                 "client_auth = \"tls_client_auth\"\n", true};
  start_servers({one});
  start_consumer({one}, [](const Case& shown, EgressApi& api) { api.settings = shown.settings; });
  const http::SimpleResponse answer = call("shop");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(drill::json_text_member(answer.body, "code"), "consumer.token_endpoint_elsewhere");
  EXPECT_EQ(issuer_->process().output().find("issuer.answered"), std::string::npos);
}

}  // namespace
}  // namespace countersign::interop
