// What to do about an error that `countersign doctor` met, in a sentence. One table, by error code.

#pragma once

#include <string_view>

#include "core/error.h"

namespace countersign::cli {

// By the error's code; where another error's code is quoted in its detail (a handshake that was
// refused, a connection that was lost), by that one. Empty if nothing better than the error itself
// can be said.
std::string_view advice_for(const Error& error);

}  // namespace countersign::cli
