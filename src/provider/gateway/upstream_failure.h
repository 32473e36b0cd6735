// What a failed attempt to forward means: for whom, and whether the request may be sent once more.

#pragma once

#include "core/error.h"
#include "http/client.h"
#include "http/message.h"
#include "protocol/reason.h"

namespace countersign::provider {

// True if the failure lies with the consumer's side of the exchange (http/relay.h).
bool is_client_failure(const Error& error);

// The reason to answer with. `state` decides what may be said: upstream_unavailable promises that
// the request was not sent.
protocol::Denial denial_of(const Error& error, http::SendState state);

// True if sending it again cannot do anything twice: nothing was sent; or the method is safe (RFC
// 9110 §9.2.1) and the connection was an old one that the upstream had probably just closed. Fails
// closed: anything else is not repeated.
bool may_send_again(const Error& error, const http::ClientExchange& upstream,
                    const http::RequestHead& request);

}  // namespace countersign::provider
