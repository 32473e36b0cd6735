// The server's side of one HTTP/2 connection with prior knowledge (RFC 9113 §3.3): an Exchange for
// each stream, the Service called for many at once. server_connection.cc hands over to it when a
// connection begins with the preface; `Upgrade: h2c` is not looked at (RFC 9113 §3.1 took it out).

#pragma once

#include <string>

#include "http/server_connection.h"

namespace countersign::http {

// Serves the stream until it ends, and closes it. `received` is what was read of it so far, from
// its first byte. Limits of ServerLimits hold as for HTTP/1.1, `requests_max` and `idle_timeout` of
// the connection, the others of each stream.
Task<void> serve_h2_connection(ByteStream& stream, Service& service, Executor& executor,
                               const ServerLimits& limits, const ServerState& state,
                               ConnectionStatus& status, std::string received);

}  // namespace countersign::http
