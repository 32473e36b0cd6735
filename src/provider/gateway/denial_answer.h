// How a refusal is told to the consumer: a problem document (RFC 9457) with reason, advice and
// decision id, and the challenge that fits (RFC 9110 §11.6.1, RFC 6750 §3). The detail of a Denial
// is not given to this at all.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "http/service.h"
#include "protocol/reason.h"
#include "provider/gateway/limits.h"
#include "provider/gateway/route_table.h"

namespace countersign::provider {

// The field with the reason's code, for callers that do not read the document.
inline constexpr std::string_view reason_field = "Countersign-Reason";

// The views outlive the answer.
struct DenialContext {
  std::string_view decision_id;
  std::string_view realm;
  uint32_t accepted = 0;           // scheme rows that would be accepted here
  std::string_view authorization;  // of what was presented
  const Route* route = nullptr;
  std::string_view allowed_methods;
  const LimitState* limit = nullptr;  // where one holds
};

// The WWW-Authenticate values for this refusal; none where authentication would not help.
std::vector<std::string> challenges_for(protocol::Reason reason, const DenialContext& context);

// Answers the exchange. A failure to send has ended the connection already.
Task<void> answer_denial(http::Exchange& exchange, protocol::Reason reason, DenialContext context);

}  // namespace countersign::provider
