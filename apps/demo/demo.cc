#include "demo/demo.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/json.h"
#include "core/text_file.h"

namespace countersign::demo {
namespace {

constexpr std::string_view client_name = "shop.consumer.example";
constexpr std::array<std::string_view, 3> schemes = {"api_key", "oauth2_bearer",
                                                     "oauth2_certificate"};

std::vector<std::string> with_scopes(std::vector<std::string> arguments) {
  for (const char* scope : {"payments:read", "payments:write"}) {
    arguments.insert(arguments.end(), {"--scope", scope});
  }
  return arguments;
}

http::SimpleRequest with_credential(std::string_view method, std::string_view target,
                                    const std::string& credential) {
  http::SimpleRequest request;
  request.method = method;
  request.target = target;
  if (!credential.empty()) request.fields.emplace_back("Authorization", credential);
  return request;
}

}  // namespace

Result<std::unique_ptr<Demo>> Demo::start(DemoOptions options, Report& report) {
  auto demo = std::unique_ptr<Demo>(new Demo(std::move(options), report));
  CS_CHECK(demo->prepare());
  return demo;
}

Result<void> Demo::prepare() {
  report_.heading("Starting a provider and a consumer on this machine");
  CS_TRY(drill::ThrowawayPki pki, drill::ThrowawayPki::create(folder_.path(), clock_, entropy_));
  pki_.emplace(std::move(pki));
  CS_TRY(client_, pki_->make_client(client_name));
  report_.say(
      "  made a throw-away PKI: one private CA for each company, certificates for gateway and "
      "client");
  CS_TRY(provider_,
         drill::Provider::start({.binaries = options_.binaries, .folder = folder_.path()}, *pki_));
  report_.say(
      fmt::format("  payment API       http://{} (SQLite)", provider_->payment_api().to_string()));
  report_.say(fmt::format("  gateway, issuer   https://{} (mutual TLS 1.3)",
                          provider_->gateway().to_string()));
  CS_CHECK(register_clients());
  report_.say(fmt::format("  egress            http://{}", consumer_->egress().to_string()));
  return {};
}

// The three clients, one for each scheme, and the egress that holds their credentials.
Result<void> Demo::register_clients() {
  const std::string certificate = client_.certificate.string();
  CS_CHECK(provider_->operate(
      with_scopes({"client", "add", "--id", "shop-key", "--name", "Shop, by API key"})));
  std::string key_id;
  CS_TRY(const std::string key,
         issue_key({"--certificate", certificate, "--network", "127.0.0.0/8"}, key_id));
  CS_TRY(
      const std::string bearer,
      provider_->operate(with_scopes({"client", "add", "--id", "shop-bearer", "--name",
                                      "Shop, by bearer token", "--auth", "client_secret_basic"})));
  CS_CHECK(provider_->operate(with_scopes(
      {"client", "add", "--id", "shop-bound", "--name", "Shop, by bound token", "--auth",
       "tls_client_auth", "--san-dns", std::string(client_name), "--certificate-bound-tokens"})));
  CS_CHECK(drill::write_private_file(folder_ / "api-key", key));
  CS_CHECK(drill::write_private_file(folder_ / "client-secret",
                                     drill::json_text_member(bearer, "client_secret")));
  const std::string issuer = fmt::format("issuer = \"{}\"\n", drill::provider_url);
  CS_TRY(consumer_,
         drill::Consumer::start(
             {.binaries = options_.binaries,
              .folder = folder_.path(),
              .apis = {{"api_key", "api_key", "key_file = \"api-key\""},
                       {"oauth2_bearer", "oauth2_bearer",
                        issuer +
                            "client_id = \"shop-bearer\"\nclient_secret_file = \"client-secret\""},
                       {"oauth2_certificate", "oauth2_certificate",
                        issuer + "client_id = \"shop-bound\""}}},
             *pki_, client_, provider_->gateway()));
  return {};
}

Result<std::string> Demo::issue_key(std::vector<std::string> more_arguments, std::string& key_id) {
  std::vector<std::string> arguments = {"key", "issue", "--client", "shop-key"};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  CS_TRY(const std::string issued, provider_->operate(std::move(arguments)));
  key_id = drill::json_text_member(issued, "key_id");
  return drill::json_text_member(issued, "api_key");
}

void Demo::pay_with_every_scheme() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(options_.payments)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  const auto backend = consumer_->caller();
  if (!backend) return report_.failed("the backend's connection", backend.error());
  for (const std::string_view scheme : schemes) {
    report_.heading(fmt::format("The backend pays with plain HTTP; the egress adds {}", scheme));
    for (const std::filesystem::path& file : files)
      report_.add(pay(**backend, std::string(scheme), file));
  }
}

PaymentStep Demo::pay(drill::Caller& backend, const std::string& scheme,
                      const std::filesystem::path& file) {
  PaymentStep step{.scheme = scheme, .file = file.filename().string()};
  const auto body = read_text_file(file);
  if (!body) return step;
  http::SimpleRequest request;
  request.method = "POST";
  request.target = "/" + scheme + "/v1/payments";
  request.fields = {{"Content-Type", "application/json"}, {"Idempotency-Key", "demo-" + step.file}};
  request.body = *body;
  const size_t lines_before = consumer_->process().lines();
  const auto paid = backend.call(std::move(request));
  if (!paid) return step;
  step.status = paid->response.status;
  step.took = paid->took;
  step.payment_id = drill::json_text_member(paid->response.body, "id");
  const auto trace = consumer_->process().wait_for_line(
      [](std::string_view line) {
        return line.find("\"trace\":\"request_head\"") != std::string_view::npos;
      },
      lines_before);
  if (trace) {
    const auto parsed = parse_json(*trace);
    for (const Json& line : parsed ? parsed->value("head", Json::array()) : Json::array()) {
      step.wire.push_back(line.get<std::string>());
    }
  }
  const auto found =
      backend.call(with_credential("GET", "/" + scheme + "/v1/payments/" + step.payment_id, ""));
  if (found) step.read_back_status = found->response.status;
  const bool same = found && drill::json_text_member(found->response.body, "id") == step.payment_id;
  step.ok = step.status == 201 && step.read_back_status == 200 && same &&
            !step.payment_id.empty() && !step.wire.empty();
  return step;
}

void Demo::refuse(std::string what, std::string expected, const Result<drill::Answer>& answer) {
  RefusalStep step{.what = std::move(what), .expected_reason = std::move(expected)};
  if (answer) {
    const http::SimpleResponse& response = answer->response;
    step.status = response.status;
    step.reason = response.value("Countersign-Reason");
    step.decision_id = response.value("Countersign-Decision-Id");
    step.told = drill::json_text_member(response.body, "detail");
    step.ok =
        step.reason == step.expected_reason && step.status >= 400 && !step.decision_id.empty();
  } else {
    step.reason = answer.error().code;
    step.told = answer.error().private_detail;
    step.ok = step.reason == step.expected_reason;
  }
  report_.add(std::move(step));
}

Result<drill::Answer> Demo::get_with_key(const drill::Identity* client, const std::string& key,
                                         std::string_view method) {
  CS_TRY(const auto caller, provider_->caller(*pki_, client));
  http::SimpleRequest request =
      with_credential(method, "/v1/payments", key.empty() ? "" : "ApiKey " + key);
  if (method == "POST") {
    request.fields.emplace_back("Content-Type", "application/json");
    request.body = "{}";
  }
  return caller->call(std::move(request));
}

void Demo::show_refusals() {
  report_.heading("What must be refused, sent straight to the gateway");
  refuse("no credential", "credential_missing", get_with_key(&client_, ""));
  refuse_key_cases();
  refuse_revoked_key();
  refuse_revoked_token();
}

void Demo::refuse_key_cases() {
  std::string key_id;
  const auto bound = issue_key({"--certificate", client_.certificate.string()}, key_id);
  const auto reading = issue_key({"--scope", "payments:read"}, key_id);
  const auto elsewhere = issue_key({"--network", "10.20.0.0/16"}, key_id);
  const auto other = pki_->make_client("other.consumer.example");
  const auto stranger = pki_->make_stranger(client_name);
  if (!bound || !reading || !elsewhere || !other || !stranger) {
    return report_.failed(
        "preparing the refusals",
        make_error(ErrorKind::internal, "demo.prepare", "a key or certificate could not be made"));
  }
  refuse("stolen key with another client's certificate", "certificate_mismatch",
         get_with_key(&*other, *bound));
  refuse("certificate of an unknown CA", "http.upstream_lost", get_with_key(&*stranger, *bound));
  refuse("scope for GET, used for POST", "scope_insufficient",
         get_with_key(&client_, *reading, "POST"));
  refuse("address outside the key's allowlist", "network_not_allowed",
         get_with_key(&client_, *elsewhere));
}

void Demo::refuse_revoked_key() {
  std::string key_id;
  const auto key = issue_key({}, key_id);
  if (!key) return report_.failed("issuing a key", key.error());
  const auto before = get_with_key(&client_, *key);
  if (!before || before->response.status != 200) {
    return report_.failed(
        "the key before its revocation",
        before ? make_error(ErrorKind::internal, "demo.not_allowed", "refused") : before.error());
  }
  const auto receipt = provider_->operate({"key", "revoke", key_id, "--reason", "demo: leaked"});
  if (!receipt) return report_.failed("revoking the key", receipt.error());
  refuse("key revoked a moment ago", "key_revoked", get_with_key(&client_, *key));
}

// As a client without an egress would: from the token endpoint, over the certificate it is bound
// to.
Result<std::string> Demo::fetch_token() {
  CS_TRY(const auto caller, provider_->caller(*pki_, &client_));
  http::SimpleRequest request = with_credential("POST", "/oauth2/token", "");
  request.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = "grant_type=client_credentials&client_id=shop-bound";
  CS_TRY(const drill::Answer answer, caller->call(std::move(request)));
  std::string token = drill::json_text_member(answer.response.body, "access_token");
  if (token.empty())
    return fail(ErrorKind::internal, "demo.no_token", "the issuer gave no token",
                answer.response.body);
  return token;
}

void Demo::refuse_revoked_token() {
  const auto token = fetch_token();
  if (!token) return report_.failed("fetching a token", token.error());
  const auto use = [&]() -> Result<drill::Answer> {
    CS_TRY(const auto caller, provider_->caller(*pki_, &client_));
    return caller->call(with_credential("GET", "/v1/payments", "Bearer " + *token));
  };
  const auto before = use();
  if (!before || before->response.status != 200) {
    return report_.failed(
        "the token before its revocation",
        before ? make_error(ErrorKind::internal, "demo.not_allowed", "refused") : before.error());
  }
  const auto receipt = provider_->operate(
      {"token", "revoke", "--token-file", "-", "--reason", "demo: leaked"}, *token);
  if (!receipt) return report_.failed("revoking the token", receipt.error());
  refuse("token granted before, then revoked", "token_revoked", use());
}

void Demo::print_curl_lines() const {
  report_.heading("Everything stays up until Ctrl-C. Try:");
  for (const std::string_view scheme : schemes) {
    report_.say(fmt::format("  curl -i http://{}/{}/v1/payments?limit=2",
                            consumer_->egress().to_string(), scheme));
  }
  report_.say(fmt::format(
      "  curl -i http://{}/oauth2_certificate/v1/payments -H 'Content-Type: application/json' \\\n"
      "       -H \"Idempotency-Key: try-$RANDOM\" -d @{}/invoice-de-nl.json",
      consumer_->egress().to_string(), options_.payments.string()));
  report_.say(fmt::format(
      "  curl -i https://{} --cacert {} --connect-to ::{}   # refused: no client certificate",
      drill::provider_name, pki_->provider_ca().string(), provider_->gateway().to_string()));
  report_.say(fmt::format("  {} key list --config {}", (options_.binaries / "countersign").string(),
                          provider_->config().string()));
  report_.say(fmt::format("  tail -f {}", provider_->audit_log().string()));
}

}  // namespace countersign::demo
