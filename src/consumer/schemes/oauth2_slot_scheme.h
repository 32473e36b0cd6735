// What the oauth2 schemes share: a token slot behind "Authorization: Bearer". They differ in how
// the client authenticates to the issuer and what the token is bound to.
//
// RFC 6750 §2.1 (field), §3.1 (invalid_token).

#pragma once

#include <memory>
#include <span>

#include "consumer/schemes/scheme.h"
#include "consumer/schemes/scheme_registry.h"
#include "consumer/slot.h"
#include "consumer/token_source.h"

namespace countersign::consumer {

// The settings of every oauth2 scheme.
std::span<const SettingSpec> oauth2_settings();

// `consumer.bad_setting`. `default_auth` is the client authentication method where "client_auth"
// names none.
Result<std::unique_ptr<ProcessScheme>> make_oauth2_slot_scheme(const SchemeSettings& settings,
                                                               const SchemeParts& parts,
                                                               std::string_view default_auth,
                                                               bool bound_to_certificate);

}  // namespace countersign::consumer
