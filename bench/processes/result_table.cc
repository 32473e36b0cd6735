#include "bench/processes/result_table.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "core/json.h"

namespace countersign::bench {

std::optional<double> Row::ratio() const {
  if (!peer || *peer == 0) return std::nullopt;
  return ours / *peer;
}

std::string Row::goal() const {
  if (ratio_goal) return fmt::format("<= {:.2f} x {}", *ratio_goal, peer_name);
  if (ours_goal) return fmt::format("<= {:g} {}", *ours_goal, unit);
  return {};
}

std::optional<bool> Row::holds() const {
  if (ratio_goal && ratio()) return *ratio() <= *ratio_goal;
  if (ours_goal) return ours <= *ours_goal;
  return std::nullopt;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void print_table(const std::vector<Row>& rows) {
  fmt::print("{:<58} {:>12} {:>12} {:<9} {:>6}  {:<22} {}\n", "", "ours", "peer", "unit", "ratio",
             "goal", "holds");
  for (const Row& row : rows) {
    const std::string peer = row.peer ? fmt::format("{:.2f}", *row.peer) : "";
    const std::string ratio = row.ratio() ? fmt::format("{:.2f}", *row.ratio()) : "";
    const std::string holds = row.holds() ? (*row.holds() ? "yes" : "NO") : "";
    fmt::print("{:<58} {:>12.2f} {:>12} {:<9} {:>6}  {:<22} {}\n", row.name, row.ours, peer,
               row.unit, ratio, row.goal(), holds);
  }
  std::fflush(stdout);
}

Result<void> write_json(const std::filesystem::path& path, const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    Json item = {{"name", row.name}, {"unit", row.unit}, {"ours", row.ours}};
    item["peer"] = row.peer ? Json(*row.peer) : Json(nullptr);
    item["peer_name"] = row.peer_name.empty() ? Json(nullptr) : Json(row.peer_name);
    item["ratio"] = row.ratio() ? Json(*row.ratio()) : Json(nullptr);
    item["goal"] = row.goal().empty() ? Json(nullptr) : Json(row.goal());
    item["holds"] = row.holds() ? Json(*row.holds()) : Json(nullptr);
    list.push_back(std::move(item));
  }
  std::ofstream file(path);
  file << list.dump(2) << "\n";
  file.close();
  if (!file)
    return fail(ErrorKind::unavailable, "bench.cannot_write", path.string() + " cannot be written");
  return {};
}

}  // namespace countersign::bench
