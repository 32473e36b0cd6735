// Scheme oauth2_certificate: an access token bound to this side's TLS certificate (RFC 8705 §3).
// The client authenticates to the issuer by the same certificate, or over it by another method. A
// thief needs the token and the private key.
//
// That issuer and API are reached with that certificate is the part of the clients this is given.

#include "consumer/schemes/oauth2_slot_scheme.h"
#include "consumer/schemes/scheme_rows.h"

namespace countersign::consumer {
namespace {

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings,
                                            const SchemeParts& parts) {
  return make_oauth2_slot_scheme(settings, parts, "tls_client_auth", /*bound_to_certificate=*/true);
}

}  // namespace

const SchemeRow& oauth2_certificate_row() {
  static const SchemeRow row{.name = "oauth2_certificate",
                             .needs_issuer = true,
                             .needs_certificate = true,
                             .settings = oauth2_settings(),
                             .make = make};
  return row;
}

}  // namespace countersign::consumer
