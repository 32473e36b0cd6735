// A decision in plain words: for the provider with everything that the line has, for the consumer
// with its own side of it.

#pragma once

#include <string>
#include <vector>

#include "provider/audit/audit_query.h"

namespace countersign::provider {

struct Explanation {
  std::string summary;             // one sentence: what came, what was decided
  std::string check;               // which check decided: "network"; empty: all were passed
  std::vector<std::string> facts;  // "name: value", what was known
  std::string what_to_do;          // for the provider's operator
};
Explanation explain(const AuditEntry& entry);

// Whether the client may see the decision: it is about a request or a token, and the client was
// proven to be the one who asked. What somebody else did in its name is not its own. Fails closed.
bool belongs_to(const AuditEntry& entry, std::string_view client_id);

// What the consumer is told, as a JSON object: nothing that its request or the answer did not tell
// it already, apart from the address it came from. Not the detail, not the API's side.
std::string consumer_side(const AuditEntry& entry);

}  // namespace countersign::provider
