// The trial of a changed API before it takes the old one's place (design §4.4): a real handshake
// with the new certificate, a token obtained with it, and, if a probe is configured, a GET with the
// new credential. Fails closed: what has not been proven is not switched to.

#pragma once

#include "cli/egress_generation.h"
#include "core/result.h"

namespace countersign::cli {

// On the home thread; the scheme has been started. `egress.trial_refused`: the provider refused the
// certificate or the credential. Other errors: nothing could be proven in time.
Task<Result<void>> try_out(EgressGeneration::Api& api, EgressProcess& process, BootTime deadline);

}  // namespace countersign::cli
