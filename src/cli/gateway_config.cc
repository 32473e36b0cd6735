#include "cli/gateway_config.h"

#include <array>

#include <unistd.h>

#include "core/pem_file.h"
#include "core/rate_limit_text.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                        : std::string("gateway");
}

net::TlsServerContext::Options read_tls(const ConfigSection& tls) {
  net::TlsServerContext::Options options;
  options.identity.certificate_chain_pem =
      read_pem(tls, "certificate", "a certificate chain (PEM)");
  options.identity.private_key_pem = tls.secret("private_key");
  options.client_anchors_pem =
      read_pem(tls, "client_trust_anchors", "the CAs of client certificates (PEM)");
  options.unsafe_allow_tls_1_2 = tls.boolean("unsafe_allow_tls_1_2", false);
  return options;
}

std::vector<crypto::PrivateKey> read_signing_keys(const ConfigSection& issuer) {
  std::vector<crypto::PrivateKey> keys;
  const auto add = [&](std::string_view name, const Secret& pem) {
    if (pem.empty()) return;
    auto key = crypto::PrivateKey::from_pem(pem);
    if (key) {
      keys.push_back(*std::move(key));
    } else {
      issuer.problem(name, key.error().public_text);
    }
  };
  add("signing_key", issuer.secret("signing_key"));
  for (const std::string_view other : {"next_signing_key", "former_signing_key"}) {
    if (const auto pem = issuer.optional_secret(other)) add(other, *pem);
  }
  return keys;
}

std::optional<RateLimit> read_limit(const ConfigSection& limits, std::string_view key) {
  const auto text = limits.optional_string(key);
  if (!text) return std::nullopt;
  auto limit = parse_rate_limit(*text);
  if (limit) return *limit;
  limits.problem(key, limit.error().public_text);
  return std::nullopt;
}

provider::GatewayOptions read_gateway(const ConfigSection& root) {
  provider::GatewayOptions options;
  const ConfigSection gateway = root.section("gateway");
  options.schemes = gateway.strings("schemes", options.schemes);
  options.api_key_field = gateway.string("api_key_field", "");
  options.realm = gateway.string("realm", options.realm);
  options.refuse_stale_reads = gateway.boolean("refuse_stale_reads", options.refuse_stale_reads);
  options.verification_cache_entries = gateway.integer(
      "verification_cache_entries", options.verification_cache_entries, {16, 10'000'000});
  const ConfigSection limits = root.section("limits");
  options.limits.client = read_limit(limits, "client");
  options.limits.credential = read_limit(limits, "credential");
  for (const ConfigSection& route : root.tables("route")) {
    options.routes.push_back({.methods = route.strings("methods"),
                              .path = route.string("path"),
                              .scopes = route.strings("scopes", {}),
                              .schemes = route.strings("schemes", {}),
                              .unsafe_any_scope = route.boolean("unsafe_any_scope", false)});
  }
  return options;
}

// An upstream on another machine must be reached by plain HTTP over a network that the operator
// vouches for.
http::Url read_upstream(const ConfigSection& upstream, provider::GatewayOptions& options) {
  const std::string text = upstream.string("url");
  options.upstream_head_timeout = duration_cast<milliseconds>(upstream.duration(
      "head_timeout", options.upstream_head_timeout, {milliseconds(10), hours(1)}));
  options.upstream_body_timeout = duration_cast<milliseconds>(upstream.duration(
      "body_timeout", options.upstream_body_timeout, {milliseconds(10), hours(24)}));
  auto url = http::parse_url(text);
  if (!url) {
    if (!text.empty()) upstream.problem("url", url.error().public_text);
    return {};
  }
  if (url->is_https() || url->target() != "/") {
    upstream.problem(
        "url",
        "expected http://HOST:PORT without a path; the gateway speaks plain HTTP to its upstream");
  }
  return *url;
}

RecordConfig read_record(const ConfigSection& root, protocol::Peppers peppers) {
  RecordConfig record{.peppers = std::move(peppers)};
  record.store_path = root.section("store").path_to("path").string();
  record.environment = root.section("keys").string("environment", "live");
  if (auto checked = protocol::check_key_environment(record.environment); !checked) {
    root.section("keys").problem("environment", checked.error().public_text);
  }
  record.token_lifetime_max = root.section("issuer").seconds(
      "token_lifetime_max", record.token_lifetime_max, {seconds(1), hours(24)});
  return record;
}

Result<protocol::Peppers> read_peppers(const ConfigSection& keys) {
  const Secret file = keys.secret("pepper");
  auto peppers = protocol::Peppers::parse(file);
  if (!peppers && !file.empty()) keys.problem("pepper", peppers.error().public_text);
  return peppers;
}

}  // namespace

Result<GatewayConfig> load_gateway_config(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const ConfigSection root = reader.root();
  auto peppers = read_peppers(root.section("keys"));
  if (!peppers) {
    // Stands in while the rest is read, so that every problem is told; finish() refuses.
    SystemEntropy entropy;
    peppers = protocol::Peppers::parse(protocol::Peppers::new_line(1, entropy));
  }
  GatewayConfig config{.record = read_record(root, *std::move(peppers))};
  config.record.node = root.section("node").string("name", host_name());
  config.server = read_server_config(root, ListenScope::any);
  config.tls = read_tls(root.section("tls"));
  config.tls.http2 = config.server.limits.http2;
  const ConfigSection issuer = root.section("issuer");
  config.issuer = issuer.string("identifier");
  config.audience = issuer.string("audience");
  config.token_lifetime =
      issuer.seconds("token_lifetime", config.token_lifetime, {seconds(1), hours(24)});
  config.signing_keys = read_signing_keys(issuer);
  if (config.token_lifetime > config.record.token_lifetime_max) {
    issuer.problem("token_lifetime", "is longer than token_lifetime_max (default 1h)");
  }
  if (const auto url = http::parse_url(config.issuer);
      !config.issuer.empty() && (!url || !url->is_https())) {
    issuer.problem("identifier",
                   "expected an https URL without a query, such as https://payments.example");
  }
  config.max_staleness = duration_cast<milliseconds>(root.section("store").duration(
      "max_staleness", config.max_staleness, {milliseconds(300), hours(1)}));
  config.gateway = read_gateway(root);
  config.upstream = read_upstream(root.section("upstream"), config.gateway);
  config.record.audit = read_audit_config(root.section("audit"));
  config.watch = read_watch_config(root.section("watch"), config.record.audit.path);
  config.unsafe_options = reader.unsafe_options();
  CS_CHECK(reader.finish());
  return config;
}

Result<RecordConfig> load_record_config(const CommonOptions& common) {
  CS_TRY(GatewayConfig config, load_gateway_config(common));
  return std::move(config.record);
}

}  // namespace countersign::cli
