#include "client/read_options.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/temporary_folder.h"

namespace countersign::client {
namespace {

std::vector<std::string> places(const std::vector<Problem>& problems) {
  std::vector<std::string> where;
  for (const Problem& problem : problems) where.push_back(problem.where);
  return where;
}

bool tells(const std::vector<Problem>& problems, std::string_view where) {
  return std::ranges::count(problems, where, &Problem::where) > 0;
}

TEST(ClientOptions, TellEveryProblemAtOnce) {
  ClientOptions options;
  options.base_url = "http://payments.example";
  options.connect_to = "nowhere";
  options.pins = {"short"};
  options.identity.emplace();
  options.deadline = std::chrono::milliseconds(0);
  options.response_bytes_max = (size_t{1} << 30) + 1;
  options.threads = 0;
  options.connections_max = 0;
  options.retry.retries_max = -1;
  const Created made = Client::create(std::move(options));
  EXPECT_FALSE(made);
  for (const std::string where :
       {"base_url", "connect_to", "trust_anchors", "pins", "identity.certificate_chain",
        "identity.private_key", "scheme.key", "deadline", "response_bytes_max", "threads",
        "connections_max", "retry"}) {
    EXPECT_TRUE(tells(made.problems, where)) << where << " is missing in:\n" << made.text();
  }
  EXPECT_NE(made.text().find("base_url: expected https://"), std::string::npos) << made.text();
}

TEST(ClientOptions, TellWhatAnIssuerNeeds) {
  ClientOptions options;
  options.scheme = OAuth2{.issuer = "not a url",
                          .client_secret = Secret::in_file("does-not-exist"),
                          .assumed_lifetime = std::chrono::seconds(0),
                          .issuer_connect_to = "x"};
  const ReadPlan read = read_options(options);
  for (const std::string where : {"scheme.issuer", "scheme.client_id", "scheme.client_secret",
                                  "scheme.assumed_lifetime", "scheme.issuer_connect_to"}) {
    EXPECT_TRUE(tells(read.problems, where)) << where;
  }
}

TEST(ClientOptions, AreWholeInOneReading) {
  ClientOptions options;
  options.base_url = "https://payments.example:8443";
  options.connect_to = "192.0.2.10:8443";
  options.trust_anchors = {.text = "-----BEGIN CERTIFICATE-----"};
  options.pins = {"cuWQ7S3jkcN7A/UuSqVI4KjvqDurleXzZ0YGw3GmH4o="};
  options.retry = {.retries_max = 2, .idempotency_key_honoured = true};
  options.scheme = OAuth2{.issuer = "https://payments.example:8443",
                          .client_id = "shop",
                          .authentication = ClientAuthentication::client_secret_basic,
                          .certificate_bound = false,
                          .client_secret = Secret::copy_of("s3cret"),
                          .scopes = {"payments:write"}};
  const ReadPlan read = read_options(options);
  EXPECT_EQ(places(read.problems), std::vector<std::string>());
  const ApiConfig& api = read.plan.api;
  EXPECT_EQ(api.tls.server_name, "payments.example");
  ASSERT_EQ(api.tls.spki_pins.size(), 1u);
  EXPECT_EQ(api.scheme->name, "oauth2_bearer");
  EXPECT_EQ(api.settings.text_or("client_auth", "its own"), "its own");
  EXPECT_EQ(api.settings.secret("client_secret"), countersign::Secret::copy_of("s3cret"));
  ASSERT_TRUE(api.issuer_connect_to);
  EXPECT_EQ(*api.issuer_connect_to, *api.connect_to) << "the issuer is the same server";
  EXPECT_EQ(api.issuer_tls.spki_pins.size(), 1u);
  EXPECT_EQ(read.plan.policy.otherwise.retries_max, 2);
  EXPECT_TRUE(read.plan.policy.otherwise.add_idempotency_key);
}

TEST(ClientOptions, KeepTheApisPinsFromAnotherIssuer) {
  ClientOptions options;
  options.base_url = "https://payments.example";
  options.connect_to = "192.0.2.10:443";
  options.trust_anchors = {.text = "-----BEGIN CERTIFICATE-----"};
  options.pins = {"cuWQ7S3jkcN7A/UuSqVI4KjvqDurleXzZ0YGw3GmH4o="};
  options.scheme = OAuth2{.issuer = "https://issuer.example", .client_id = "shop"};
  const ReadPlan read = read_options(options);
  EXPECT_TRUE(read.plan.api.issuer_tls.spki_pins.empty());
  EXPECT_FALSE(read.plan.api.issuer_connect_to);
  EXPECT_EQ(read.plan.api.issuer_tls.server_name, "issuer.example");
}

TEST(ClientSecret, IsRefusedInAFileThatOthersCanRead) {
  const TemporaryFolder folder;
  const std::string path = folder / "key";
  std::ofstream(path) << "cs_test_key\n";
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  ClientOptions options;
  options.scheme = ApiKey{.key = Secret::in_file(path)};
  EXPECT_TRUE(tells(read_options(options).problems, "scheme.key"));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const ReadPlan read = read_options(options);
  EXPECT_FALSE(tells(read.problems, "scheme.key"));
  EXPECT_EQ(read.plan.api.settings.secret("key"), countersign::Secret::copy_of("cs_test_key"));
}

TEST(ClientSecret, ZeroesWhatItTakesAndIsEmptyWhenMovedFrom) {
  std::string text = "an API key that is longer than what a string keeps inside itself";
  Secret secret = Secret::take(std::move(text));
  EXPECT_TRUE(text.empty());  // NOLINT(bugprone-use-after-move): that is what take() promises
  EXPECT_FALSE(secret.empty());
  const Secret moved = std::move(secret);
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(moved.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(ClientFromConfigFile, SaysFileLineAndKeyAndWhichApisThereAre) {
  const TemporaryFolder folder;
  const std::string path = folder / "egress.toml";
  std::ofstream(path) << "[[listener]]\naddress = \"127.0.0.1:0\"\n"
                         "[[api]]\nname = \"acme\"\nurl = \"http://payments.example\"\n"
                         "path_prefix = \"/acme\"\npin = [\"mistyped\"]\n"
                         "trust_anchors = \"missing.pem\"\nscheme = \"no_such_scheme\"\n"
                         "[[api]]\nname = \"other\"\nnonsense = 1\n";
  const Created made = Client::from_config_file(path, "acme");
  EXPECT_FALSE(made);
  const std::string text = made.text();
  EXPECT_NE(text.find("egress.toml:5: api[0].url: expected https://"), std::string::npos) << text;
  EXPECT_NE(text.find("api[0].pin: "), std::string::npos) << text;
  EXPECT_NE(text.find("api[0].trust_anchors: "), std::string::npos) << text;
  EXPECT_NE(text.find("unknown scheme"), std::string::npos) << text;
  EXPECT_EQ(text.find("listener"), std::string::npos) << text;
  EXPECT_EQ(text.find("nonsense"), std::string::npos) << text;

  const Created absent = Client::from_config_file(path, "nobody");
  EXPECT_NE(absent.text().find("there is no [[api]] named \"nobody\""), std::string::npos);
  EXPECT_FALSE(Client::from_config_file(folder / "none.toml", "acme"));
}

}  // namespace
}  // namespace countersign::client
