// Scheme oauth2_certificate: an access token bound to this side's TLS certificate (RFC 8705 §3).
// The client authenticates to the issuer by the same certificate, or by a secret over it. A thief
// needs the token and the private key.
//
// That issuer and API are reached with that certificate is the part of the clients this is given.

#include <array>

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "consumer/schemes/scheme_rows.h"

namespace countersign::consumer {
namespace {

const std::vector<SettingSpec>& settings_table() {
  static const std::vector<SettingSpec> table = [] {
    std::vector<SettingSpec> all(oauth2_settings().begin(), oauth2_settings().end());
    all.push_back(
        {.key = "client_auth",
         .help =
             "tls_client_auth (the default), self_signed_tls_client_auth or client_secret_basic"});
    all.push_back({.key = "client_secret",
                   .kind = SettingSpec::Kind::secret,
                   .help = "the client's secret at the issuer; for client_secret_basic only"});
    return all;
  }();
  return table;
}

constexpr std::array methods{ClientAuthMethod::tls_client_auth,
                             ClientAuthMethod::self_signed_tls_client_auth,
                             ClientAuthMethod::client_secret_basic};

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings,
                                            const SchemeParts& parts) {
  const std::string wanted =
      settings.text_or("client_auth", name_of(ClientAuthMethod::tls_client_auth));
  for (const ClientAuthMethod method : methods) {
    if (name_of(method) != wanted) continue;
    return make_oauth2_slot_scheme(settings, parts, method, /*bound_to_certificate=*/true);
  }
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", "client_auth: not a known method");
}

}  // namespace

const SchemeRow& oauth2_certificate_row() {
  static const SchemeRow row{.name = "oauth2_certificate",
                             .needs_issuer = true,
                             .needs_certificate = true,
                             .settings = settings_table(),
                             .make = make};
  return row;
}

}  // namespace countersign::consumer
