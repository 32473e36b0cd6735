// Who is at the other end: whoever is not the provider gets no byte of a request, whatever CA
// vouches for him.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "core/text_file.h"
#include "drill/caller.h"
#include "drill/child_process.h"
#include "drill/installation.h"
#include "e2e/tls_server.h"
#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

using std::chrono::hours;

constexpr std::string_view api_key = "the-key-that-nobody-else-may-see";
constexpr std::string_view client_secret_text = "the-secret-that-only-the-issuer-may-see";

class OtherEnd : public ::testing::Test {
 protected:
  OtherEnd()
      : pki_(must(drill::ThrowawayPki::create(folder_.path(), clock_, entropy_))),
        trusted_(authority("Provider CA")),
        rogue_(authority("Rogue CA")) {
    must(drill::write_private_file(folder_ / "api-key", api_key));
    must(drill::write_private_file(folder_ / "client-secret", client_secret_text));
    must(drill::write_private_file(folder_ / "trusted.pem", trusted_.certificate_pem()));
    must(drill::write_private_file(folder_ / "rogue.pem", rogue_.certificate_pem()));
    must(drill::write_private_file(folder_ / "both.pem",
                                   trusted_.certificate_pem() + rogue_.certificate_pem()));
  }

  crypto::CertificateAuthority authority(std::string name) {
    const WallTime now = clock_.wall_now();
    return must(crypto::CertificateAuthority::create(
        {.name = std::move(name), .not_before = now - hours(2), .not_after = now + hours(48)},
        entropy_));
  }
  crypto::CertificateSpec server_spec() const {
    crypto::CertificateSpec spec;
    spec.common_name = drill::provider_name;
    spec.dns_names = {std::string(drill::provider_name)};
    spec.purposes = {crypto::CertificatePurpose::server_auth};
    spec.not_before = clock_.wall_now() - hours(1);
    spec.not_after = clock_.wall_now() + hours(24);
    return spec;
  }
  drill::Identity server(const crypto::CertificateAuthority& by,
                         const crypto::CertificateSpec& spec) {
    return must(pki_.make(by, spec, "server-" + std::to_string(++servers_)));
  }
  // base64 of SHA-256 over the key, as `pins` has it.
  static std::string pin_of(const drill::Identity& identity) {
    const auto chain =
        must(crypto::parse_certificates_pem(must(read_text_file(identity.certificate))));
    return encode_base64(chain.front().spki_sha256);
  }

  // An egress with one API at `/`, reached at `to`. `lines` are the API's own.
  void start_egress(const Endpoint& to, std::string_view anchors, std::string_view lines = "",
                    std::vector<std::string> environment = {}) {
    start_with_scheme(fmt::format(R"toml([[api]]
name = "api"
url = "{}"
connect_to = "{}"
trust_anchors = "{}"
scheme = "api_key"
{}
[api.api_key]
key_file = "api-key"
)toml",
                                  drill::provider_url, to.to_string(), anchors, lines),
                      std::move(environment));
  }
  void start_with_scheme(const std::string& api, std::vector<std::string> environment) {
    must(drill::write_private_file(
        folder_ / "egress.toml",
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[server]\nthreads = 1\n" + api));
    std::vector<std::string> argv = {"/usr/bin/env"};
    for (std::string& variable : environment) argv.push_back(std::move(variable));
    for (const std::string& word :
         {std::string(COUNTERSIGN_BINARIES) + "/countersign", std::string("egress"),
          std::string("--config"), (folder_ / "egress.toml")}) {
      argv.push_back(word);
    }
    egress_ = must(drill::ChildProcess::start({.argv = std::move(argv)}));
    const std::string line = must(egress_->wait_for_line([](std::string_view text) {
      return text.find("\"event\":\"egress.listening\"") != std::string_view::npos;
    }));
    backend_ = must(drill::Caller::create(
        {.server = must(Endpoint::parse(drill::json_text_member(line, "address")))}));
  }
  http::SimpleResponse call() {
    http::SimpleRequest request;
    request.target = "/v1/payments";
    return must(backend_->call(std::move(request))).response;
  }
  // The call fails without leaving, and the server learns nothing.
  void expect_nothing_sent(TlsServer& to) {
    const http::SimpleResponse answer = call();
    EXPECT_EQ(answer.status, 502) << answer.body;
    EXPECT_EQ(answer.value("Countersign-Outcome"), "not_sent");
    EXPECT_EQ(drill::json_text_member(answer.body, "code"), "net.tls_failed");
    expect_untouched(to);
  }
  void expect_untouched(TlsServer& to) {
    EXPECT_EQ(egress_->terminate(), 0);
    to.stop();
    EXPECT_GE(to.connections(), 1);
    EXPECT_EQ(to.handshakes(), 0);
    EXPECT_EQ(to.received(), "");
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  TemporaryFolder folder_;
  drill::ThrowawayPki pki_;
  crypto::CertificateAuthority trusted_;
  crypto::CertificateAuthority rogue_;
  int servers_ = 0;
  std::unique_ptr<drill::ChildProcess> egress_;
  std::unique_ptr<drill::Caller> backend_;
};

TEST_F(OtherEnd, the_provider_itself_gets_the_call_and_its_credential) {
  TlsServer provider(server(trusted_, server_spec()));
  start_egress(provider.address(), "trusted.pem");
  EXPECT_EQ(call().status, 200);
  EXPECT_NE(provider.received().find(api_key), std::string::npos);
}

TEST_F(OtherEnd, a_rogue_ca_in_the_system_store_is_not_trusted) {
  TlsServer impostor(server(rogue_, server_spec()));
  // Where OpenSSL looks for the system's store.
  start_egress(
      impostor.address(), "trusted.pem", "",
      {"SSL_CERT_FILE=" + (folder_ / "rogue.pem"), "SSL_CERT_DIR=" + folder_.path().string()});
  expect_nothing_sent(impostor);
}

TEST_F(OtherEnd, a_rogue_ca_among_the_configured_anchors_is_caught_by_pins) {
  const std::string pin = pin_of(server(trusted_, server_spec()));
  TlsServer impostor(server(rogue_, server_spec()));
  start_egress(impostor.address(), "both.pem", "pins = [\"" + pin + "\"]");
  expect_nothing_sent(impostor);
}

// What the pins are for: the same without them.
TEST_F(OtherEnd, without_pins_a_configured_ca_can_vouch_for_anyone) {
  TlsServer impostor(server(rogue_, server_spec()));
  start_egress(impostor.address(), "both.pem");
  EXPECT_EQ(call().status, 200);
  EXPECT_NE(impostor.received().find(api_key), std::string::npos);
}

TEST_F(OtherEnd, a_pinned_key_is_replaced_by_the_second_pin_without_a_failed_call) {
  constexpr int calls = 40;
  const drill::Identity first = server(trusted_, server_spec());
  const drill::Identity second = server(trusted_, server_spec());
  const drill::Identity third = server(trusted_, server_spec());
  TlsServer provider(first);
  start_egress(provider.address(), "trusted.pem",
               "pins = [\"" + pin_of(first) + "\", \"" + pin_of(second) + "\"]");
  for (int i = 0; i < calls; ++i) {
    if (i == calls / 2) provider.use(second);
    EXPECT_EQ(call().status, 200) << i;
  }
  EXPECT_EQ(provider.handshakes(), calls);  // each over a connection of its own
  provider.use(third);
  EXPECT_EQ(call().status, 502);
  EXPECT_EQ(egress_->terminate(), 0);
  provider.stop();
  EXPECT_EQ(provider.handshakes(), calls);
}

TEST_F(OtherEnd, a_certificate_without_the_providers_name_gets_nothing) {
  std::vector<crypto::CertificateSpec> specs;
  specs.push_back(server_spec());
  specs.back().dns_names = {"other.provider.example"};  // but the right common name
  specs.push_back(server_spec());
  specs.back().dns_names.clear();
  specs.back().unsafe_flaws.no_subject_alt_name = true;  // a common name only
  specs.push_back(server_spec());
  specs.back().dns_names.clear();
  specs.back().ip_addresses = {"127.0.0.1"};  // the address that the connection goes to
  specs.push_back(server_spec());
  specs.back().purposes = {crypto::CertificatePurpose::client_auth};
  for (const char* wildcard :
       {"*", "*.example", "pay*.provider.example", "*ments.provider.example", "payments.*.example",
        "*.*.example", "*.payments.provider.example"}) {
    specs.push_back(server_spec());
    specs.back().dns_names = {wildcard};
  }
  for (const crypto::CertificateSpec& spec : specs) {
    SCOPED_TRACE(spec.dns_names.empty() ? "no name" : spec.dns_names.front());
    TlsServer impostor(server(trusted_, spec));
    start_egress(impostor.address(), "trusted.pem");
    expect_nothing_sent(impostor);
  }
}

TEST_F(OtherEnd, a_rogue_issuer_gets_no_client_secret) {
  TlsServer impostor(server(rogue_, server_spec()));
  start_with_scheme(fmt::format(R"toml([[api]]
name = "api"
url = "https://api.example"
connect_to = "{0}"
trust_anchors = "rogue.pem"
issuer_trust_anchors = "trusted.pem"
issuer_connect_to = "{0}"
scheme = "oauth2_bearer"
[api.oauth2_bearer]
issuer = "{1}"
token_path = "/oauth2/token"
client_id = "shop"
client_secret_file = "client-secret"
)toml",
                                impostor.address().to_string(), drill::provider_url),
                    {"SSL_CERT_FILE=" + (folder_ / "rogue.pem")});
  const http::SimpleResponse answer = call();
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.value("Countersign-Outcome"), "not_sent");
  EXPECT_EQ(drill::json_text_member(answer.body, "code"), "net.tls_failed");
  expect_untouched(impostor);
}

}  // namespace
}  // namespace countersign::e2e
