// What a request of the library may be. Stricter than the egress, which drops what it does not
// forward: here a program says what it means, so it is told.

#pragma once

#include <countersign/call.h>

#include "consumer/egress/field_filter.h"
#include "core/result.h"

namespace countersign::client {

// `client.bad_request`; the text says what is wrong and holds nothing of the body. Fails closed:
// what could leave the path it names, split the message, or authenticate beside the scheme, is
// refused.
Result<void> check_request(const Request& request, const consumer::FieldFilter& filter);

}  // namespace countersign::client
