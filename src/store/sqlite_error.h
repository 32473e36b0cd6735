// SQLite's result codes as Errors. For sqlite.cc; the table of codes is in sqlite.h.

#pragma once

#include <string_view>

#include "core/error.h"

namespace countersign::store {

// `code` is an extended result code, not OK, ROW or DONE. `message` is SQLite's: it names tables
// and columns, no values.
Error sqlite_error(int code, std::string_view message, std::string_view path);

}  // namespace countersign::store
