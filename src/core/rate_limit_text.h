// Rate limits as people write them: "100/s", "6000/m", "100/10s", "50/s burst 200".

#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/token_bucket.h"

namespace countersign {

// Requests, '/', the window (a duration, whose leading 1 may be left out); " burst N" is the size
// of the bucket, by default as many as in one window. `rate.malformed`; `rate.out_of_range`: 1 to
// 1,000,000 requests, a window of 1 s to 1 d, a burst of 1 to 1,000,000.
Result<RateLimit> parse_rate_limit(std::string_view text);

// What parse_rate_limit() reads back as the same.
std::string format_rate_limit(const RateLimit& limit);

}  // namespace countersign
