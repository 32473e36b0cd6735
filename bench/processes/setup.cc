#include "bench/processes/setup.h"

#include <fmt/format.h>

#include "core/secret_file.h"
#include "core/text_file.h"
#include "crypto/key.h"

namespace countersign::bench {
namespace {

constexpr std::string_view client_name = "shop.consumer.example";

}  // namespace

Result<std::unique_ptr<Setup>> Setup::create(const BenchOptions& options) {
  auto setup = std::unique_ptr<Setup>(new Setup());
  setup->options_ = options;
  const std::filesystem::path folder = setup->folder_.path();
  CS_TRY(drill::ThrowawayPki pki,
         drill::ThrowawayPki::create(folder, setup->clock_, setup->entropy_));
  setup->pki_.emplace(std::move(pki));
  setup->files_.folder = folder;
  CS_TRY(setup->files_.server, setup->pki_->make_server(drill::provider_name));
  CS_TRY(setup->files_.client, setup->pki_->make_client(client_name));
  setup->files_.provider_ca = setup->pki_->provider_ca();
  setup->files_.consumer_ca = setup->pki_->consumer_ca();
  return setup;
}

Result<void> Setup::start_gateway(const Endpoint& upstream) {
  CS_TRY(provider_,
         drill::Provider::start(
             {.binaries = options_.binaries,
              .folder = folder_.path(),
              .token_lifetime = "50m",
              .upstream = upstream,
              .extra_toml = "[[route]]\nmethods = [\"GET\", \"POST\"]\npath = \"/bench\"\n"
                            "scopes = [\"payments:read\"]\n"},
             *pki_));
  CS_CHECK(provider_->operate({"client", "add", "--id", "shop", "--name", "Shop", "--scope",
                               "payments:read", "--auth", "tls_client_auth", "--san-dns",
                               std::string(client_name), "--certificate-bound-tokens", "--network",
                               "127.0.0.0/8"}));
  CS_TRY(const std::string issued, provider_->operate({"key", "issue", "--client", "shop"}));
  api_key_ = drill::json_text_member(issued, "api_key");
  return {};
}

Result<std::vector<std::string>> Setup::fetch_tokens(size_t count) {
  CS_TRY(const auto caller, provider_->caller(*pki_, &files_.client));
  std::vector<std::string> tokens;
  for (size_t i = 0; i < count; ++i) {
    http::SimpleRequest request{.method = "POST", .target = "/oauth2/token"};
    request.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = "grant_type=client_credentials&client_id=shop";
    CS_TRY(const drill::Answer answer, caller->call(std::move(request)));
    tokens.push_back(drill::json_text_member(answer.response.body, "access_token"));
    if (tokens.back().empty())
      return fail(ErrorKind::internal, "bench.no_token", answer.response.body);
  }
  return tokens;
}

Result<std::filesystem::path> Setup::issuer_public_key() {
  CS_TRY(const Secret pem, read_secret_file(folder_ / "signing.pem"));
  CS_TRY(const crypto::PrivateKey key, crypto::PrivateKey::from_pem(pem));
  const std::filesystem::path path = folder_.path() / "issuer-public.pem";
  CS_CHECK(drill::write_private_file(path, key.public_key().to_pem()));
  return path;
}

Result<std::unique_ptr<drill::Consumer>> Setup::start_egress(std::string_view scheme,
                                                             const Endpoint& upstream) {
  std::string settings = "key_file = \"api-key\"";
  if (scheme == "api_key") {
    CS_CHECK(drill::write_private_file(folder_ / "api-key", api_key_));
  } else {
    settings = fmt::format("issuer = \"{}\"\nclient_id = \"shop\"", drill::provider_url);
  }
  const std::string log = (folder_.path() / ("egress-" + std::string(scheme) + ".log")).string();
  return drill::Consumer::start({.binaries = options_.binaries,
                                 .folder = folder_.path(),
                                 .trace_heads = false,
                                 .access_log = log,
                                 .apis = {{"", std::string(scheme), settings}},
                                 .issuer = provider_->gateway()},
                                *pki_, files_.client, upstream);
}

TlsLoad Setup::tls_load(const Endpoint& server, int connections,
                        std::chrono::seconds duration) const {
  TlsLoad load{.load = {.server = server,
                        .connections = connections,
                        .duration = duration,
                        .target = "/bench"},
               .authority = std::string(drill::provider_name)};
  load.tls.server_anchors_pem = read_text_file(files_.provider_ca).value();
  load.tls.server_name = drill::provider_name;
  load.tls.identity.emplace();
  load.tls.identity->certificate_chain_pem = read_text_file(files_.client.certificate).value();
  load.tls.identity->private_key_pem = read_secret_file(files_.client.private_key).value();
  return load;
}

}  // namespace countersign::bench
