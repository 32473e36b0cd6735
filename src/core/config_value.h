// The values of a configuration as text, for flags and environment variables, and what helps a
// person to correct them. Durations: core/duration.h; addresses: core/ip_address.h.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace countersign {

// "512", "512B", "64KiB", "10MiB", "1GiB": a whole number of bytes (`config.bad_size`). Powers of
// 1000 ("kB") are refused: half of their readers take them for powers of 1024.
Result<size_t> parse_byte_size(std::string_view text);
std::string format_byte_size(size_t bytes);

// Decimal, with an optional minus sign (`config.bad_integer`).
Result<int64_t> parse_integer(std::string_view text);

// Exactly "true" or "false" (`config.bad_boolean`).
Result<bool> parse_boolean(std::string_view text);

// Separated by commas; spaces around each are dropped. Empty text is an empty list.
std::vector<std::string> split_list(std::string_view text);

// The candidate that `word` was probably meant to be: at most a third of its letters (at least one)
// inserted, dropped, replaced or swapped with the neighbour.
std::optional<std::string_view> closest_word(std::string_view word,
                                             std::span<const std::string_view> candidates);

}  // namespace countersign
