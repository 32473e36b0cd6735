// Bindings: what a connection has to prove for a credential. Checked on every request, also of a
// connection that has been open for weeks, and all of them together, whatever the scheme.

#pragma once

#include "core/clock.h"
#include "http/byte_stream.h"
#include "protocol/reason.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

// The certificate that the client presented, if any, is valid at `now`; it is the one that token
// and key are bound to, and one that the client has registered, where it has registered any; the
// address is in the networks of client and key. Denied with certificate_expired,
// certificate_missing, certificate_mismatch, certificate_not_registered, network_not_allowed. Fails
// closed. Does not check cut-offs.
protocol::Verdict<> check_bindings(const Principal& principal, const http::PeerInfo& peer,
                                   WallTime now);

}  // namespace countersign::provider
