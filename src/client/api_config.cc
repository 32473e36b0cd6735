#include "client/api_config.h"

#include "client/identity_files.h"
#include "core/pem_file.h"
#include "crypto/certificate.h"

namespace countersign::client {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::misconfigured, "client.bad_option", text);
}

Result<http::Url> parse_https_url(std::string_view text) {
  CS_TRY(http::Url url, http::parse_url(text));
  if (!url.is_https()) return wrong("expected https://: credentials never leave in the clear");
  return url;
}

http::Url noted(const ConfigSection& section, std::string_view key, Result<http::Url> url) {
  if (url) return *std::move(url);
  section.problem(key, url.error().public_text);
  return {};
}

std::vector<crypto::Sha256Digest> read_pins(const ConfigSection& api) {
  std::vector<crypto::Sha256Digest> pins;
  for (const std::string& text : api.strings("pins", {})) {
    const auto pin = parse_pin(text);
    if (pin) {
      pins.push_back(*pin);
    } else {
      api.problem("pins", pin.error().public_text);
    }
  }
  return pins;
}

// Certificate and key of this side, for the API and its issuer alike.
std::optional<net::TlsIdentity> read_identity(const ConfigSection& api, std::string& thumbprint) {
  std::optional<net::TlsIdentity> identity = read_identity_files(api);
  if (!identity || identity->certificate_chain_pem.empty()) return identity;
  auto made = thumbprint_of(identity->certificate_chain_pem);
  if (!made) {
    api.problem("certificate", made.error().public_text);
  } else {
    thumbprint = *std::move(made);
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
      case Kind::table: {
        const ConfigSection pairs = table.section(key);
        for (const std::string& name : pairs.keys())
          settings.tables[key].emplace(name, pairs.string(name));
        break;
      }
      case Kind::secret:
        break;
    }
  }
  return settings;
}

// Pins are of the API's or the issuer's key, so they do not count here.
void read_issuer_origins(const ConfigSection& table, ApiConfig& api) {
  constexpr std::string_view key = "token_endpoint_origins";
  for (const std::string& text : api.settings.list(key)) {
    IssuerOriginConfig origin{.url = noted(table, key, parse_https_url(text)),
                              .tls = api.issuer_tls};
    if (origin.url.host.empty()) continue;
    if (origin.url.target() != "/") table.problem(key, "expected https://HOST[:PORT]");
    origin.tls.server_name = origin.url.host;
    origin.tls.spki_pins.clear();
    api.issuer_origins.push_back(std::move(origin));
  }
}

void read_scheme(const ConfigSection& section, ApiConfig& api) {
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
  if (!api.scheme->needs_issuer) return;
  const std::string text = api.settings.text_or("issuer", "");
  const http::Url issuer =
      text.empty() ? http::Url() : noted(table, "issuer", parse_https_url(text));
  std::string anchors;
  if (section.has("issuer_trust_anchors")) {
    anchors =
        read_pem(section, "issuer_trust_anchors", "the CAs of the issuer's certificate (PEM)");
  }
  set_issuer(api, issuer, section.optional_endpoint("issuer_connect_to"), std::move(anchors));
  read_issuer_origins(table, api);
}

}  // namespace

Result<http::Url> parse_api_url(std::string_view text) {
  CS_TRY(http::Url url, parse_https_url(text));
  if (url.target() != "/")
    return wrong("expected https://HOST[:PORT] without a path; paths come from the calls");
  return url;
}

Result<crypto::Sha256Digest> parse_pin(std::string_view text) {
  const auto bytes = decode_base64(text);
  crypto::Sha256Digest pin{};
  if (!bytes || bytes->size() != pin.size()) {
    return wrong("\"" + std::string(text) +
                 "\" is not the base64 of a SHA-256 over a SubjectPublicKeyInfo");
  }
  std::copy(bytes->begin(), bytes->end(), pin.begin());
  return pin;
}

Result<std::string> thumbprint_of(std::string_view certificate_chain_pem) {
  CS_TRY(const auto chain, crypto::parse_certificates_pem(certificate_chain_pem));
  return encode_base64url(chain.front().thumbprint);
}

void set_issuer(ApiConfig& api, http::Url issuer, std::optional<Endpoint> connect_to,
                std::string anchors_pem) {
  const bool same_server = issuer.origin() == api.url.origin();
  api.issuer_tls = api.tls;
  api.issuer_tls.server_name = issuer.host;
  if (!anchors_pem.empty()) api.issuer_tls.server_anchors_pem = std::move(anchors_pem);
  if (!same_server) api.issuer_tls.spki_pins.clear();  // the pins are of the API's key
  api.issuer_connect_to = connect_to;
  if (same_server && !connect_to) api.issuer_connect_to = api.connect_to;
  api.issuer = std::move(issuer);
}

ApiConfig read_api_config(const ConfigSection& section) {
  ApiConfig api;
  api.name = section.string("name");
  api.deadline = duration_cast<milliseconds>(
      section.duration("deadline", api.deadline, {milliseconds(100), hours(1)}));
  api.connections_max = section.integer("connections_max", api.connections_max, {1, 100'000});
  const std::string url = section.string("url");
  if (!url.empty()) api.url = noted(section, "url", parse_api_url(url));
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

}  // namespace countersign::client
