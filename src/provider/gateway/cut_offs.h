// Cut-offs: "nothing of this subject issued at or before T is valid". How a revocation reaches a
// request, and how long the record of revocations may have been silent.

#pragma once

#include "core/clock.h"
#include "crypto/certificate.h"
#include "http/byte_stream.h"
#include "protocol/reason.h"
#include "provider/registry/registry_view.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

// Of client, credential, token and the certificate it is bound to. While the view's version() is
// the same, so is the answer. Denied with key_revoked, token_revoked or certificate_revoked. Fails
// closed.
protocol::Verdict<> check_cut_offs(const Principal& principal, const RegistryView& registry);

// Of the certificate that the connection presented, bound or not. Denied with certificate_revoked.
// Fails closed.
protocol::Verdict<> check_certificate_cut_off(const crypto::Certificate& certificate,
                                              const RegistryView& registry);

// Of a request that was let through under an earlier version of the registry: its client is still
// active, its credential not revoked, nothing about it or the connection's certificate cut off.
// Denied as the stages before would deny it now. Fails closed.
protocol::Verdict<> check_still_standing(const Principal& principal, const http::PeerInfo& peer,
                                         const RegistryView& registry);

// False for the certificate of a connection that nobody may go on with: it is cut off, or is
// registered for a client that is no longer active.
bool may_stay_connected(const crypto::Certificate& certificate, const RegistryView& registry);

// Denied with record_stale before the registry was loaded. Fails closed.
protocol::Verdict<> check_loaded(const RegistryView& registry);

// Denied with record_stale if the registry was silent for longer than its max_staleness: a
// revocation could be under way that is not known here. Fails closed.
protocol::Verdict<> check_staleness(const RegistryView& registry, BootTime now);

}  // namespace countersign::provider
