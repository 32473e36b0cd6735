// The settings of the oauth2 schemes: their table, and from them the options of the token source
// and the key of the slot.

#pragma once

#include <string_view>

#include "consumer/schemes/scheme_registry.h"
#include "consumer/token_source.h"

namespace countersign::consumer {

// Everything but the slot's own timings. `consumer.bad_setting` (misconfigured), naming the
// setting; no text holds a secret.
Result<OAuthSourceOptions> read_oauth2_settings(const SchemeSettings& settings,
                                                const SchemeParts& parts,
                                                std::string_view default_auth,
                                                bool bound_to_certificate);

// All that a token depends on but the certificate it is bound to. Takes milliseconds where the
// credential is a secret.
SlotKey slot_key_of(const OAuthSourceOptions& source);

}  // namespace countersign::consumer
