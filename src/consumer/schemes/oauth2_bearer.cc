// Scheme oauth2_bearer: an access token that the client obtains with its secret
// (client_secret_basic). Whoever holds the token can use it until it ends or is cut off.

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "consumer/schemes/scheme_rows.h"

namespace countersign::consumer {
namespace {

const std::vector<SettingSpec>& settings_table() {
  static const std::vector<SettingSpec> table = [] {
    std::vector<SettingSpec> all(oauth2_settings().begin(), oauth2_settings().end());
    all.push_back({.key = "client_secret",
                   .kind = SettingSpec::Kind::secret,
                   .required = true,
                   .help = "the client's secret at the issuer"});
    return all;
  }();
  return table;
}

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings,
                                            const SchemeParts& parts) {
  return make_oauth2_slot_scheme(settings, parts, ClientAuthMethod::client_secret_basic,
                                 /*bound_to_certificate=*/false);
}

}  // namespace

const SchemeRow& oauth2_bearer_row() {
  static const SchemeRow row{.name = "oauth2_bearer",
                             .needs_issuer = true,
                             .needs_certificate = false,
                             .settings = settings_table(),
                             .make = make};
  return row;
}

}  // namespace countersign::consumer
