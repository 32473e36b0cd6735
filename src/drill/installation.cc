#include "drill/installation.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "consumer/schemes/scheme_registry.h"
#include "core/json.h"
#include "core/secret_file.h"
#include "core/text_file.h"

namespace countersign::drill {
namespace {

// Waits for NAME.listening and gives the address it names.
Result<Endpoint> listening_address(ChildProcess& process, std::string_view event) {
  CS_TRY(const std::string line, process.wait_for_line([&](std::string_view text) {
    return text.find("\"event\":\"" + std::string(event) + "\"") != std::string_view::npos;
  }));
  return Endpoint::parse(json_text_member(line, "address"));
}

std::string issuer_line(const ConsumerApi& api, const ConsumerOptions& options) {
  const consumer::SchemeRow* scheme = consumer::find_scheme(api.scheme);
  if (!options.issuer || !scheme || !scheme->needs_issuer) return {};
  return fmt::format("issuer_connect_to = \"{}\"\n", options.issuer->to_string());
}

Result<void> write_secret(const Provider& provider, const std::filesystem::path& path,
                          std::vector<std::string> arguments) {
  CS_TRY(const Finished made, provider.run(std::move(arguments)));
  if (made.exit_code != 0) return fail(ErrorKind::internal, "drill.command_failed", made.errors);
  return write_private_file(path, made.output);
}

}  // namespace

std::string json_text_member(std::string_view json, std::string_view name) {
  const auto document = parse_json(json);
  return document ? string_member(*document, name).value_or("") : std::string();
}

Result<std::unique_ptr<Provider>> Provider::start(ProviderOptions options,
                                                  const ThrowawayPki& pki) {
  auto provider = std::unique_ptr<Provider>(new Provider(std::move(options)));
  if (provider->options_.upstream) {
    provider->payment_api_address_ = *provider->options_.upstream;
  } else {
    CS_CHECK(provider->start_payment_api("127.0.0.1:0"));
  }
  const std::filesystem::path& folder = provider->options_.folder;
  CS_CHECK(write_secret(*provider, folder / "pepper", {"generate", "pepper"}));
  CS_CHECK(write_secret(*provider, folder / "signing.pem", {"generate", "signing-key"}));
  CS_CHECK(provider->write_config(pki));
  const std::string program = (provider->options_.binaries / "countersign").string();
  CS_TRY(
      provider->gateway_,
      ChildProcess::start({.argv = {program, "gateway", "--config", provider->config().string()}}));
  CS_TRY(provider->gateway_address_, listening_address(*provider->gateway_, "gateway.listening"));
  return provider;
}

Result<void> Provider::start_payment_api(std::string_view listen) {
  const std::string program = (options_.binaries / "payment-api").string();
  CS_TRY(payment_api_,
         ChildProcess::start({.argv = {program, "--listen", std::string(listen), "--database",
                                       (options_.folder / "payments.db").string()}}));
  CS_TRY(payment_api_address_, listening_address(*payment_api_, "payment_api.listening"));
  return {};
}

Result<void> Provider::restart_payment_api() {
  return start_payment_api(payment_api_address_.to_string());
}

Result<void> Provider::write_config(const ThrowawayPki& pki) const {
  CS_TRY(const Identity server, pki.make_server(provider_name));
  return write_private_file(
      config(),
      fmt::format(R"toml(# The provider's side: issuer and gateway in one process.
[[listener]]
address = "127.0.0.1:0"

[server]
threads = {threads}

[tls]
certificate = "{certificate}"
private_key_file = "{key}"
client_trust_anchors = "{anchors}"

[store]
path = "provider.db"

[keys]
environment = "test"
pepper_file = "pepper"

[issuer]
identifier = "{url}"
audience = "{url}"
signing_key_file = "signing.pem"
token_lifetime = "{lifetime}"

[upstream]
url = "http://{upstream}"

[audit]
path = "audit.jsonl"
{audit}

[[route]]
methods = ["POST"]
path = "/v1/payments"
scopes = ["payments:write"]

[[route]]
methods = ["GET"]
path = "/v1/payments"
scopes = ["payments:read"]

[[route]]
methods = ["GET"]
path = "/v1/payments/{{id}}"
scopes = ["payments:read"]

[[route]]
methods = ["POST"]
path = "/v1/payments/{{id}}/refunds"
scopes = ["payments:write"]

{extra}
)toml",
                  fmt::arg("threads", options_.threads), fmt::arg("audit", options_.audit_toml),
                  fmt::arg("certificate", server.certificate.string()),
                  fmt::arg("key", server.private_key.string()),
                  fmt::arg("anchors", pki.consumer_ca().string()), fmt::arg("url", provider_url),
                  fmt::arg("lifetime", options_.token_lifetime),
                  fmt::arg("upstream", payment_api_address_.to_string()),
                  fmt::arg("extra", options_.extra_toml)));
}

Result<Finished> Provider::run(std::vector<std::string> arguments, std::string input) const {
  arguments.insert(arguments.begin(), (options_.binaries / "countersign").string());
  return run_command({.argv = std::move(arguments), .input = std::move(input)});
}

Result<std::string> Provider::operate(std::vector<std::string> arguments, std::string input) const {
  for (const std::string& more :
       {std::string("--config"), config().string(), std::string("--output"), std::string("json")}) {
    arguments.push_back(more);
  }
  CS_TRY(Finished finished, run(std::move(arguments), std::move(input)));
  if (finished.exit_code == 0) return std::move(finished.output);
  return fail(ErrorKind::internal, "drill.command_failed", finished.errors);
}

Result<std::unique_ptr<Caller>> Provider::caller(const ThrowawayPki& pki,
                                                 const Identity* client) const {
  CallerOptions options{.server = gateway_address_, .authority = std::string(provider_name)};
  options.tls.emplace();
  CS_TRY(options.tls->server_anchors_pem, read_text_file(pki.provider_ca()));
  options.tls->server_name = provider_name;
  if (client) {
    options.tls->identity.emplace();
    CS_TRY(options.tls->identity->certificate_chain_pem, read_text_file(client->certificate));
    CS_TRY(options.tls->identity->private_key_pem, read_secret_file(client->private_key));
  }
  return Caller::create(std::move(options));
}

Result<std::unique_ptr<Consumer>> Consumer::start(ConsumerOptions options, const ThrowawayPki& pki,
                                                  const Identity& client, const Endpoint& gateway) {
  std::string config = fmt::format(R"toml(# The consumer's side: the sidecar.
[[listener]]
address = "127.0.0.1:0"

[server]
threads = {}

[log]
access_log = "{}"
trace_heads = {}
)toml",
                                   options.threads, options.access_log, options.trace_heads);
  for (const ConsumerApi& api : options.apis) {
    config += fmt::format(
        R"toml(
[[api]]
name = "{label}"
path_prefix = "/{name}"
url = "{url}"
connect_to = "{gateway}"
{issuer}trust_anchors = "{anchors}"
certificate = "{certificate}"
private_key_file = "{key}"
scheme = "{scheme}"
{more}
[api.{scheme}]
{settings}
)toml",
        fmt::arg("name", api.name), fmt::arg("label", api.name.empty() ? "all" : api.name),
        fmt::arg("issuer", issuer_line(api, options)), fmt::arg("url", provider_url),
        fmt::arg("gateway", gateway.to_string()),
        fmt::arg(
            "anchors",
            (options.trust_anchors.empty() ? pki.provider_ca() : options.trust_anchors).string()),
        fmt::arg("certificate", client.certificate.string()),
        fmt::arg("key", client.private_key.string()), fmt::arg("scheme", api.scheme),
        fmt::arg("settings", api.settings), fmt::arg("more", api.more));
  }
  const std::filesystem::path path = options.folder / "egress.toml";
  CS_CHECK(write_private_file(path, config + options.extra_toml));
  auto consumer = std::unique_ptr<Consumer>(new Consumer());
  CS_TRY(consumer->process_,
         ChildProcess::start({.argv = {(options.binaries / "countersign").string(), "egress",
                                       "--config", path.string()}}));
  CS_TRY(consumer->address_, listening_address(*consumer->process_, "egress.listening"));
  return consumer;
}

}  // namespace countersign::drill
