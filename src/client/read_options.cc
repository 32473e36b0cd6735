#include "client/read_options.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "client/call_policy_config.h"
#include "client/secret_access.h"
#include "core/text_file.h"

namespace countersign::client {
namespace {

constexpr std::chrono::milliseconds deadline_max = std::chrono::hours(1);
constexpr size_t response_bytes_limit = size_t{1} << 30;
constexpr int threads_max = 64;
constexpr int connections_limit = 100'000;

std::string_view name_of(ClientAuthentication method) {
  switch (method) {
    case ClientAuthentication::client_secret_basic:
      return "client_secret_basic";
    case ClientAuthentication::client_secret_post:
      return "client_secret_post";
    case ClientAuthentication::private_key_jwt:
      return "private_key_jwt";
    case ClientAuthentication::tls_client_auth:
      return "tls_client_auth";
    case ClientAuthentication::self_signed_tls_client_auth:
      return "self_signed_tls_client_auth";
  }
  return {};  // a number that is no enumerator: refused by the scheme
}

class OptionReader final {
 public:
  ReadPlan take() && { return std::move(read_); }

  void common(const ClientOptions& options);
  void policy(const ClientOptions& options);
  void api(const ClientOptions& options);

 private:
  void problem(std::string where, std::string_view text) {
    read_.problems.push_back({std::move(where), std::string(text)});
  }
  // The value, or an empty one and a problem.
  template <typename T>
  T noted(std::string_view where, Result<T> result) {
    if (result) return *std::move(result);
    problem(std::string(where), result.error().public_text);
    return T{};
  }
  std::string pem(std::string_view where, const Pem& pem);
  void secret(std::string_view key, const Secret& secret, consumer::SchemeSettings& settings) {
    if (secret.empty()) return;
    settings.secrets.emplace(key, noted("scheme." + std::string(key), SecretAccess::read(secret)));
  }
  std::optional<Endpoint> endpoint(std::string_view where, std::string_view text) {
    if (text.empty()) return std::nullopt;
    return noted(where, Endpoint::parse(text));
  }
  void identity(const Identity& identity);
  void scheme(const ApiKey& key);
  void scheme(const OAuth2& oauth);

  ReadPlan read_;
};

std::string OptionReader::pem(std::string_view where, const Pem& pem) {
  if (pem.text.empty() == pem.file.empty()) {
    problem(std::string(where), "expected certificates (PEM): either `text` or `file`");
    return {};
  }
  return pem.file.empty() ? pem.text : noted(where, read_text_file(pem.file));
}

void OptionReader::common(const ClientOptions& options) {
  ClientPlan& plan = read_.plan;
  plan.threads = options.threads;
  plan.response_bytes_max = options.response_bytes_max;
  if (options.threads < 1 || options.threads > threads_max) problem("threads", "expected 1 to 64");
  if (options.response_bytes_max > response_bytes_limit)
    problem("response_bytes_max", "expected at most 1 GiB");
}

void OptionReader::policy(const ClientOptions& options) {
  ClientPlan& plan = read_.plan;
  const RetryOptions& retry = options.retry;
  plan.policy.otherwise.add_idempotency_key = options.add_idempotency_key;
  plan.policy.otherwise.retries_max = retry.retries_max;
  plan.policy.otherwise.backoff_first = retry.backoff_first;
  plan.policy.otherwise.backoff_max = retry.backoff_max;
  plan.policy.otherwise.retry_after_max = retry.retry_after_max;
  plan.policy.otherwise.idempotency_key_honoured = retry.idempotency_key_honoured;
  if (const auto checked = consumer::check_call_policy(plan.policy); !checked)
    problem("retry", checked.error().public_text);
}

void OptionReader::api(const ClientOptions& options) {
  ApiConfig& api = read_.plan.api;
  api.name = "library";
  api.deadline = options.deadline;
  if (options.deadline < std::chrono::milliseconds(1) || options.deadline > deadline_max)
    problem("deadline", "expected 1 ms to 1 h");
  if (options.connections_max < 1 || options.connections_max > connections_limit)
    problem("connections_max", "expected 1 to 100000");
  api.connections_max = static_cast<size_t>(std::max(options.connections_max, 1));
  api.url = noted("base_url", parse_api_url(options.base_url));
  api.connect_to = endpoint("connect_to", options.connect_to);
  api.tls.server_name = api.url.host;
  api.tls.unsafe_allow_tls_1_2 = options.unsafe_allow_tls_1_2;
  api.tls.server_anchors_pem = pem("trust_anchors", options.trust_anchors);
  for (const std::string& text : options.pins)
    api.tls.spki_pins.push_back(noted("pins", parse_pin(text)));
  if (options.identity) identity(*options.identity);
  std::visit([this](const auto& given) { scheme(given); }, options.scheme);
}

void OptionReader::identity(const Identity& identity) {
  ApiConfig& api = read_.plan.api;
  net::TlsIdentity& tls = api.tls.identity.emplace();
  tls.certificate_chain_pem = pem("identity.certificate_chain", identity.certificate_chain);
  if (!tls.certificate_chain_pem.empty()) {
    api.certificate_thumbprint =
        noted("identity.certificate_chain", thumbprint_of(tls.certificate_chain_pem));
  }
  if (identity.private_key.empty()) {
    problem("identity.private_key", "expected the certificate's private key (PEM)");
  } else {
    tls.private_key_pem = noted("identity.private_key", SecretAccess::read(identity.private_key));
  }
}

void OptionReader::scheme(const ApiKey& key) {
  ApiConfig& api = read_.plan.api;
  api.scheme = consumer::find_scheme("api_key");
  api.settings.texts.emplace("header", key.header);
  if (key.prefix) api.settings.texts.emplace("prefix", *key.prefix);
  if (key.key.empty()) problem("scheme.key", "expected the API key");
  secret("key", key.key, api.settings);
}

void OptionReader::scheme(const OAuth2& oauth) {
  ApiConfig& api = read_.plan.api;
  consumer::SchemeSettings& settings = api.settings;
  api.scheme =
      consumer::find_scheme(oauth.certificate_bound ? "oauth2_certificate" : "oauth2_bearer");
  const auto text = [&settings](std::string_view key, std::string_view value) {
    if (!value.empty()) settings.texts.emplace(key, value);
  };
  text("issuer", oauth.issuer);
  text("client_id", oauth.client_id);
  text("token_path", oauth.token_path);
  text("resource", oauth.resource);
  text("client_key_id", oauth.client_key_id);
  // A bearer scheme's own default is its secret in the Authorization field.
  const bool is_default =
      !oauth.certificate_bound && oauth.authentication == ClientAuthentication::client_secret_basic;
  if (!is_default) text("client_auth", name_of(oauth.authentication));
  if (!oauth.scopes.empty()) settings.lists.emplace("scopes", oauth.scopes);
  settings.seconds.emplace("assumed_lifetime", oauth.assumed_lifetime);
  settings.seconds.emplace("request_timeout", oauth.request_timeout);
  if (oauth.assumed_lifetime < std::chrono::seconds(1))
    problem("scheme.assumed_lifetime", "expected at least 1 s");
  if (oauth.request_timeout < std::chrono::seconds(1))
    problem("scheme.request_timeout", "expected at least 1 s");
  secret("client_secret", oauth.client_secret, settings);
  secret("client_key", oauth.client_key, settings);
  secret("client_key_passphrase", oauth.client_key_passphrase, settings);
  if (oauth.client_id.empty()) problem("scheme.client_id", "expected the client's id");
  const auto connect_to = endpoint("scheme.issuer_connect_to", oauth.issuer_connect_to);
  const Pem& anchors = oauth.issuer_trust_anchors;
  const bool own_anchors = !anchors.text.empty() || !anchors.file.empty();
  const std::string anchors_pem =
      own_anchors ? pem("scheme.issuer_trust_anchors", anchors) : std::string();
  const size_t problems = read_.problems.size();
  auto issuer = noted("scheme.issuer", http::parse_url(oauth.issuer));
  if (read_.problems.size() == problems)
    set_issuer(api, std::move(issuer), connect_to, anchors_pem);
}

// Of the egress alone: who may call it, and under which path.
constexpr std::array<std::string_view, 5> egress_keys = {
    "path_prefix", "strip_prefix", "keep_body_bytes_max", "hosts", "probe_path"};

void skip_all(const ConfigSection& section) {
  for (const std::string& key : section.keys()) section.skip(key);
}

}  // namespace

ReadPlan read_options(const ClientOptions& options) {
  OptionReader reader;
  reader.common(options);
  reader.policy(options);
  reader.api(options);
  return std::move(reader).take();
}

ReadPlan read_file(const std::filesystem::path& file, std::string_view api_name,
                   const ClientOptions& base) {
  OptionReader options;
  options.common(base);
  ReadPlan read = std::move(options).take();
  ConfigReader reader =
      ConfigReader::load(file, {.flags = {}, .environment = process_environment()});
  const ConfigSection root = reader.root();
  for (const std::string& key : root.keys()) {
    if (key != "api") root.skip(key);
  }
  bool found = false;
  for (const ConfigSection& section : root.tables("api")) {
    if (found || section.string("name") != api_name) {
      skip_all(section);
      continue;
    }
    found = true;
    for (const std::string_view key : egress_keys) section.skip(key);
    read.plan.api = read_api_config(section);
    read.plan.policy = read_call_policy(section);
  }
  for (const ConfigProblem& problem : reader.problems()) {
    ConfigProblem place = problem;
    place.text.clear();
    std::string where = place.to_string();
    while (where.ends_with(' ') || where.ends_with(':')) where.pop_back();
    read.problems.push_back({std::move(where), problem.text});
  }
  if (!found && read.problems.empty()) {
    read.problems.push_back(
        {file.string(), "there is no [[api]] named \"" + std::string(api_name) + "\""});
  }
  return read;
}

}  // namespace countersign::client
