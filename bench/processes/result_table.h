// Rows of a benchmark: printed as a table, written as build/bench/NAME.json.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace countersign::bench {

struct Row {
  std::string name;
  std::string unit;
  double ours = 0;
  std::optional<double> peer;
  std::string peer_name;
  std::optional<double> ratio_goal;  // ours / peer at most this
  std::optional<double> ours_goal;   // ours at most this

  std::optional<double> ratio() const;
  std::string goal() const;           // as text; empty: none
  std::optional<bool> holds() const;  // nullopt: no goal
};

// Median of an odd or even number of values; 0 of none.
double median(std::vector<double> values);

void print_table(const std::vector<Row>& rows);
// A JSON list of {name, unit, ours, peer, peer_name, ratio, goal, holds}.
Result<void> write_json(const std::filesystem::path& path, const std::vector<Row>& rows);

}  // namespace countersign::bench
