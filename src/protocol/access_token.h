// What our access tokens carry beyond RFC 9068 §2.2, agreed between issuer and gateway.

#pragma once

#include <string_view>

namespace countersign::protocol {

// The public id of the client secret that the token was granted for. A cut-off of that credential
// ends its tokens too. Absent where the client authenticated with its certificate: then `cnf` names
// it.
inline constexpr std::string_view credential_id_claim = "credential_id";

}  // namespace countersign::protocol
