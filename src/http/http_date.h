// HTTP-date in its one current form, IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110
// §5.6.7). The two obsolete forms are refused.

#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"

namespace countersign::http {

// Whole seconds; a fraction is cut off. Years 0 to 9999.
std::string format_http_date(WallTime time);
// `http.bad_date`; also for a weekday that does not fit and for days that do not exist. A leap
// second (:60) is the next second.
Result<WallTime> parse_http_date(std::string_view text);

}  // namespace countersign::http
