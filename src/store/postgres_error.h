// SQLSTATEs (https://www.postgresql.org/docs/15/errcodes-appendix.html) as Errors. For postgres.cc;
// the table of codes is in postgres.h.

#pragma once

#include <string_view>

#include "core/error.h"

namespace countersign::store {

// `message` is the server's primary message, which names tables and columns, and in some classes
// values: it is kept only where it cannot. `database` names the database.
Error postgres_error(std::string_view sqlstate, std::string_view message,
                     std::string_view database);

// Whether the session is of no use any more after this: the server is going down, it forgot our
// prepared statements, or it became a standby.
bool ends_session(std::string_view sqlstate);

}  // namespace countersign::store
