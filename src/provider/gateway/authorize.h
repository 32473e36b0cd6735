// Authorization: whether a principal's scopes allow what the route needs.

#pragma once

#include "protocol/reason.h"
#include "provider/gateway/route_table.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

// The principal has every scope of the route; else scope_insufficient, whose detail names those it
// lacks. Fails closed.
protocol::Verdict<> check_scopes(const Principal& principal, const Route& route);

}  // namespace countersign::provider
