// What left this machine, for a human: an outgoing request head with its credential redacted, as
// one JSON line.

#pragma once

#include <string>
#include <string_view>

#include "consumer/egress/field_filter.h"
#include "consumer/schemes/scheme.h"
#include "http/message.h"

namespace countersign::consumer {

struct TracedHead {
  std::string_view api;
  int attempt = 1;
  std::string_view target;  // as it goes out
};

// {"trace":"request_head","api":"acme","attempt":1,"head":["POST /v1/payments
// HTTP/1.1","Content-Type: application/json",…]} The query is shown as "?…": it may hold what
// identifies a person.
std::string trace_line(const TracedHead& traced, const http::RequestHead& request,
                       const FieldFilter& filter, const Attached& attached,
                       const ProcessScheme& scheme);

}  // namespace countersign::consumer
