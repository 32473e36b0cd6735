// Answers of the issuer that are not OAuth errors: no such endpoint, not this method (RFC 9457).

#pragma once

#include <string_view>

#include "core/task.h"
#include "http/service.h"
#include "protocol/reason.h"

namespace countersign::provider {

// `allow` becomes the Allow field (RFC 9110 §15.5.6) unless it is empty; it outlives the Task.
Task<void> respond_refusal(http::Exchange& exchange, protocol::Reason reason,
                           std::string_view allow = {});

}  // namespace countersign::provider
