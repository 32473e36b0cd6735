// MetricsPage: numbers for a monitoring system, in Prometheus's text format 0.0.4. The page of one
// scrape; a family's HELP and TYPE are written once, its samples follow it.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/

#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace countersign {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType { counter, gauge, histogram };
std::string_view name_of(MetricType type);

// One row of a table of metrics: what the page and the reference are made of.
struct MetricRow {
  std::string_view name;  // base units; counters end in _total
  MetricType type = MetricType::gauge;
  std::string_view help;
  std::string_view labels = {};  // for the reference: "api, reason"
};

class MetricsPage final {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; each once.
  void family(const MetricRow& row);
  // Samples of the family that was begun. Label values may be any text; UTF-8 is the caller's.
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, double value);
  // `counts` has one more than `bounds` (those above the last), each for its own bucket alone.
  void histogram(Labels labels, std::span<const double> bounds, std::span<const uint64_t> counts,
                 double sum);

  std::string take() { return std::move(text_); }

 private:
  void begin_sample(std::string_view suffix, Labels labels, std::string_view bound = {});
  void end_sample(double value);
  void end_sample(uint64_t value);

  std::string text_;
  std::string_view name_;
};

}  // namespace countersign
