// The keys of [[api]] and [[api.route]] that say how calls are repeated, keyed and journalled.

#pragma once

#include "consumer/call_policy.h"
#include "core/config.h"

namespace countersign::client {

// Problems are noted at their keys.
consumer::CallPolicyOptions read_call_policy(const ConfigSection& api);

}  // namespace countersign::client
