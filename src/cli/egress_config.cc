#include "cli/egress_config.h"

#include "cli/pem_file.h"
#include "crypto/certificate.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

http::Url read_url(const ConfigSection& section, std::string_view key, std::string_view text) {
  auto url = http::parse_url(text);
  if (!url) {
    if (!text.empty()) section.problem(key, url.error().public_text);
    return {};
  }
  if (!url->is_https())
    section.problem(key, "expected https://: credentials never leave in the clear");
  return *url;
}

std::vector<crypto::Sha256Digest> read_pins(const ConfigSection& api) {
  std::vector<crypto::Sha256Digest> pins;
  for (const std::string& text : api.strings("pins", {})) {
    const auto bytes = decode_base64(text);
    if (!bytes || bytes->size() != crypto::Sha256Digest().size()) {
      api.problem("pins",
                  "\"" + text + "\" is not the base64 of a SHA-256 over a SubjectPublicKeyInfo");
      continue;
    }
    crypto::Sha256Digest pin{};
    std::copy(bytes->begin(), bytes->end(), pin.begin());
    pins.push_back(pin);
  }
  return pins;
}

// Certificate and key of this side, for the API and its issuer alike.
std::optional<net::TlsIdentity> read_identity(const ConfigSection& api, std::string& thumbprint) {
  if (!api.has("certificate")) return std::nullopt;
  net::TlsIdentity identity;
  identity.certificate_chain_pem =
      read_pem(api, "certificate", "the client's certificate chain (PEM)");
  identity.private_key_pem = api.secret("private_key");
  if (identity.certificate_chain_pem.empty()) return identity;
  const auto chain = crypto::parse_certificates_pem(identity.certificate_chain_pem);
  if (!chain) {
    api.problem("certificate", chain.error().public_text);
  } else {
    thumbprint = encode_base64url(chain->front().thumbprint);
  }
  return identity;
}

consumer::SchemeSettings read_settings(const ConfigSection& table, const consumer::SchemeRow& row) {
  using Kind = consumer::SettingSpec::Kind;
  consumer::SchemeSettings settings;
  for (const consumer::SettingSpec& spec : row.settings) {
    const std::string key(spec.key);
    if (spec.kind == Kind::secret) {
      if (spec.required) {
        settings.secrets.emplace(key, table.secret(key));
      } else if (auto secret = table.optional_secret(key)) {
        settings.secrets.emplace(key, *std::move(secret));
      }
      continue;
    }
    if (!spec.required && !table.has(key)) continue;
    switch (spec.kind) {
      case Kind::text:
        settings.texts.emplace(key, table.string(key));
        break;
      case Kind::list:
        settings.lists.emplace(key, table.strings(key));
        break;
      case Kind::seconds:
        settings.seconds.emplace(key,
                                 table.seconds(key, seconds(1), {seconds(1), hours(24 * 365)}));
        break;
      case Kind::secret:
        break;
    }
  }
  return settings;
}

void read_scheme(const ConfigSection& section, EgressApiConfig& api) {
  const std::string name = section.string("scheme");
  api.scheme = consumer::find_scheme(name);
  if (!api.scheme) {
    std::string known;
    for (const consumer::SchemeRow& row : consumer::all_schemes())
      known += (known.empty() ? "" : ", ") + std::string(row.name);
    if (!name.empty())
      section.problem("scheme", "unknown scheme \"" + name + "\"; known are " + known);
    return;
  }
  const ConfigSection table = section.section(name);
  api.settings = read_settings(table, *api.scheme);
  if (api.scheme->needs_issuer) {
    api.issuer = read_url(table, "issuer", api.settings.text_or("issuer", ""));
    api.issuer_tls = api.tls;
    api.issuer_tls.server_name = api.issuer->host;
    if (section.has("issuer_trust_anchors")) {
      api.issuer_tls.server_anchors_pem =
          read_pem(section, "issuer_trust_anchors", "the CAs of the issuer's certificate (PEM)");
    }
    api.issuer_connect_to = section.optional_endpoint("issuer_connect_to");
    const bool same_host = api.issuer->origin() == api.url.origin();
    if (same_host && !api.issuer_connect_to) api.issuer_connect_to = api.connect_to;
    if (!same_host) api.issuer_tls.spki_pins.clear();  // the pins are of the API's key
  }
}

EgressApiConfig read_api(const ConfigSection& section) {
  EgressApiConfig api;
  api.options.name = section.string("name");
  api.options.path_prefix = section.string("path_prefix", api.options.path_prefix);
  api.options.strip_prefix = section.boolean("strip_prefix", api.options.strip_prefix);
  api.options.deadline = duration_cast<milliseconds>(
      section.duration("deadline", api.options.deadline, {milliseconds(100), hours(1)}));
  api.options.keep_body_bytes_max =
      section.byte_size("keep_body_bytes_max", api.options.keep_body_bytes_max, {0, 16 << 20});
  api.connections_max = section.integer("connections_max", api.connections_max, {1, 100'000});
  api.url = read_url(section, "url", section.string("url"));
  if (!api.url.path.empty() && api.url.target() != "/") {
    section.problem("url",
                    "expected https://HOST[:PORT] without a path; paths come from the calls");
  }
  api.connect_to = section.optional_endpoint("connect_to");
  api.tls.server_anchors_pem =
      read_pem(section, "trust_anchors", "the CAs of the provider's certificate (PEM)");
  api.tls.server_name = section.string("server_name", api.url.host);
  api.tls.spki_pins = read_pins(section);
  api.tls.unsafe_allow_tls_1_2 = section.boolean("unsafe_allow_tls_1_2", false);
  api.tls.identity = read_identity(section, api.certificate_thumbprint);
  read_scheme(section, api);
  return api;
}

}  // namespace

Result<EgressConfig> load_egress_config(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const ConfigSection root = reader.root();
  EgressConfig config;
  config.server = read_server_config(root, ListenScope::local_only);
  const ConfigSection log = root.section("log");
  if (log.has("access_log")) {
    config.access_log_path =
        log.string("access_log") == "-" ? "-" : log.path_to("access_log").string();
  }
  config.egress.trace_heads = log.boolean("trace_heads", false);
  config.egress.unsafe_allow_browsers =
      root.section("server").boolean("unsafe_allow_browsers", false);
  const std::vector<ConfigSection> apis = root.tables("api");
  if (apis.empty()) root.problem("api", "at least one [[api]] is needed");
  for (const ConfigSection& api : apis) config.apis.push_back(read_api(api));
  config.token_store = read_token_store(root);
  config.unsafe_options = reader.unsafe_options();
  CS_CHECK(reader.finish());
  return config;
}

}  // namespace countersign::cli
