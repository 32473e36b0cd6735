#include "core/metrics_page.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"

namespace countersign {
namespace {

// In HELP a quote stands as it is; in a label value it does not.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

template <typename Number>
void append_digits(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    append_digits(out, value);
  }
}

}  // namespace

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  panic("a MetricType without a name");
}

void MetricsPage::family(const MetricRow& row) {
  name_ = row.name;
  text_.append("# HELP ").append(row.name).append(1, ' ');
  append_escaped(text_, row.help, /*quotes=*/false);
  text_.append("\n# TYPE ").append(row.name).append(1, ' ').append(name_of(row.type)).append("\n");
}

void MetricsPage::begin_sample(std::string_view suffix, Labels labels, std::string_view bound) {
  text_.append(name_).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    text_.append(1, before).append(name).append("=\"");
    append_escaped(text_, value, /*quotes=*/true);
    text_ += '"';
    before = ',';
  };
  for (const auto& [name, value] : labels) label(name, value);
  if (!bound.empty()) label("le", bound);
  text_ += before == ',' ? "} " : " ";
}

void MetricsPage::end_sample(double value) {
  append_number(text_, value);
  text_ += '\n';
}

void MetricsPage::end_sample(uint64_t value) {
  append_digits(text_, value);
  text_ += '\n';
}

void MetricsPage::sample(Labels labels, uint64_t value) {
  begin_sample({}, labels);
  end_sample(value);
}

void MetricsPage::sample(Labels labels, double value) {
  begin_sample({}, labels);
  end_sample(value);
}

void MetricsPage::histogram(Labels labels, std::span<const double> bounds,
                            std::span<const uint64_t> counts, double sum) {
  if (counts.size() != bounds.size() + 1) panic("a histogram has one count more than bounds");
  uint64_t all = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    all += counts[i];
    std::string bound;
    append_number(bound, i < bounds.size() ? bounds[i] : INFINITY);
    begin_sample("_bucket", labels, bound);
    end_sample(all);
  }
  begin_sample("_sum", labels);
  end_sample(sum);
  begin_sample("_count", labels);
  end_sample(all);
}

}  // namespace countersign
