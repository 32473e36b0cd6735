#include "core/config_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "core/ascii.h"

namespace countersign {
namespace {

struct SizeUnit {
  std::string_view name;
  size_t bytes;
};

// Larger ones first: format_byte_size() takes the first that divides.
constexpr std::array<SizeUnit, 4> size_units = {
    {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}}};

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

std::unexpected<Error> bad_size(std::string_view text) {
  return fail(ErrorKind::invalid_input, "config.bad_size",
              "expected a size such as 512B, 64KiB or 10MiB, not " + quoted(text));
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost one
// each.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

Result<size_t> parse_byte_size(std::string_view text) {
  size_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc()) return bad_size(text);
  const std::string_view name(end, static_cast<size_t>(last - end));
  if (name.empty()) return number;
  const auto unit = std::ranges::find(size_units, name, &SizeUnit::name);
  if (unit == size_units.end()) return bad_size(text);
  if (number > std::numeric_limits<size_t>::max() / unit->bytes) return bad_size(text);
  return number * unit->bytes;
}

std::string format_byte_size(size_t bytes) {
  for (const SizeUnit& unit : size_units) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0) {
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + "B";
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (text.empty() || error != std::errc() || end != last) {
    return fail(ErrorKind::invalid_input, "config.bad_integer",
                "expected a whole number, not " + quoted(text));
  }
  return number;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return fail(ErrorKind::invalid_input, "config.bad_boolean",
              "expected true or false, not " + quoted(text));
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  if (ascii::trim(text).empty()) return items;
  for (;;) {
    const size_t comma = text.find(',');
    items.emplace_back(ascii::trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::string_view> closest_word(std::string_view word,
                                             std::span<const std::string_view> candidates) {
  constexpr size_t length_max = 64;  // keys are shorter; keeps the table of costs small
  if (word.size() > length_max) return std::nullopt;
  std::optional<std::string_view> best;
  size_t best_distance = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > length_max) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace countersign
