// Where our codec and llhttp part on purpose.

#pragma once

#include <span>
#include <string_view>

namespace countersign::testing {

struct LlhttpDeviation {
  std::string_view id;
  std::string_view refusal;  // our code; empty: taken
  std::string_view why;
};

std::span<const LlhttpDeviation> all_deviations();
// Null if the case must come out as llhttp has it.
const LlhttpDeviation* find_deviation(std::string_view id);

}  // namespace countersign::testing
