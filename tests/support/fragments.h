// How bytes may arrive: whole, one by one, or in pieces of chance size. Parsers must not care.

#pragma once

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

namespace countersign::testing {

// Each way is the ascending list of how many bytes have arrived; the last is all of them.
inline std::vector<std::vector<size_t>> arrivals(std::string_view text) {
  std::vector<std::vector<size_t>> ways = {{text.size()}, {}};
  for (size_t i = 1; i <= text.size(); ++i) ways[1].push_back(i);
  std::minstd_rand random(static_cast<unsigned>(text.size()));
  for (int way = 0; way < 4; ++way) {
    std::vector<size_t> cuts;
    for (size_t at = 0; at < text.size();) {
      at = std::min(text.size(), at + 1 + random() % 17);
      cuts.push_back(at);
    }
    ways.push_back(std::move(cuts));
  }
  return ways;
}

}  // namespace countersign::testing
