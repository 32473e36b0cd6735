// Scheme oauth2_bearer: an access token that is bound to nothing. Whoever holds it can use it until
// it ends or is cut off. The client authenticates to the issuer by its secret
// (client_secret_basic), unless it is told to use another method.

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "consumer/schemes/scheme_rows.h"

namespace countersign::consumer {
namespace {

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings,
                                            const SchemeParts& parts) {
  return make_oauth2_slot_scheme(settings, parts, "client_secret_basic",
                                 /*bound_to_certificate=*/false);
}

}  // namespace

const SchemeRow& oauth2_bearer_row() {
  static const SchemeRow row{.name = "oauth2_bearer",
                             .needs_issuer = true,
                             .needs_certificate = false,
                             .settings = oauth2_settings(),
                             .make = make};
  return row;
}

}  // namespace countersign::consumer
