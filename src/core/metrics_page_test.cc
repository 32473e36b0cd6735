#include "core/metrics_page.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace countersign {
namespace {

constexpr MetricRow calls{"x_calls_total", MetricType::counter, "Calls.", "api"};

TEST(MetricsPage, WritesAFamilyOnceAndItsSamplesBehindIt) {
  MetricsPage page;
  page.family(calls);
  page.sample({{"api", "acme"}}, uint64_t{7});
  page.sample({{"api", "a"}, {"b", "c"}}, uint64_t{0});
  page.family({"x_seconds", MetricType::gauge, "Time."});
  page.sample({}, 1.5);
  EXPECT_EQ(page.take(),
            "# HELP x_calls_total Calls.\n"
            "# TYPE x_calls_total counter\n"
            "x_calls_total{api=\"acme\"} 7\n"
            "x_calls_total{api=\"a\",b=\"c\"} 0\n"
            "# HELP x_seconds Time.\n"
            "# TYPE x_seconds gauge\n"
            "x_seconds 1.5\n");
}

TEST(MetricsPage, EscapesWhatWouldEndALineOrAValue) {
  MetricsPage page;
  page.family({"x", MetricType::gauge, "a \"b\" \\ \n c"});
  page.sample({{"l", "q\" b\\ n\n"}}, uint64_t{1});
  EXPECT_EQ(page.take(),
            "# HELP x a \"b\" \\\\ \\n c\n"
            "# TYPE x gauge\n"
            "x{l=\"q\\\" b\\\\ n\\n\"} 1\n");
}

TEST(MetricsPage, HistogramsAreCumulativeAndEndWithInfinity) {
  MetricsPage page;
  page.family({"h_seconds", MetricType::histogram, "Time."});
  constexpr std::array<double, 2> bounds = {0.5, 1};
  constexpr std::array<uint64_t, 3> counts = {1, 2, 4};
  page.histogram({{"api", "a"}}, bounds, counts, 9.25);
  EXPECT_EQ(page.take(),
            "# HELP h_seconds Time.\n"
            "# TYPE h_seconds histogram\n"
            "h_seconds_bucket{api=\"a\",le=\"0.5\"} 1\n"
            "h_seconds_bucket{api=\"a\",le=\"1\"} 3\n"
            "h_seconds_bucket{api=\"a\",le=\"+Inf\"} 7\n"
            "h_seconds_sum{api=\"a\"} 9.25\n"
            "h_seconds_count{api=\"a\"} 7\n");
}

TEST(MetricsPage, WritesNumbersThatAreNone) {
  MetricsPage page;
  page.family({"x", MetricType::gauge, "N."});
  page.sample({}, INFINITY);
  page.sample({}, -INFINITY);
  page.sample({}, std::nan(""));
  const std::string text = page.take();
  EXPECT_NE(text.find("x +Inf\nx -Inf\nx NaN\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace countersign
