// Durations as people write them in configuration files and flags: "250ms", "2s", "5m", "1h30m",
// "7d".

#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign {

// One or more whole numbers, each with its unit: d, h, m, s, ms, us, ns; larger units first, each
// at most once. No sign, no fraction, no space, no bare number except "0" (`duration.malformed`);
// beyond 36500d is `duration.too_large`.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The text that parse_duration() reads back as the same duration: "1h30m", "250ms", "0s". Not for
// negative ones.
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace countersign
