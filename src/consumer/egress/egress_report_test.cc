#include "consumer/egress/egress_report.h"

#include <cmath>

#include <gtest/gtest.h>

#include "consumer/egress/admin_service.h"
#include "core/json.h"
#include "core/text_file.h"
#include "support/fake_clock.h"
#include "support/fake_exchange.h"
#include "support/metrics_reader.h"
#include "support/test_executor.h"

namespace countersign::consumer {
namespace {

using testing::MetricsReader;

EgressReport report() {
  EgressReport made(2);
  made.now = from_unix_seconds(1'800'000'000);
  made.started = from_unix_seconds(1'700'000'000);
  made.config_generation = 3;
  made.apis[0] = {.name = "ac\"me\\\n", .scheme = "oauth2_bearer", .upstream = "https://a"};
  made.apis[0].auth.has_token = true;
  made.apis[0].auth.token_status = TokenStatus::stale_valid;
  made.apis[0].auth.token_seconds = 12.5;
  made.apis[0].auth.runway_seconds = 12.5;
  made.apis[0].auth.limited_by = "token";
  made.apis[0].auth.failure_code = "consumer.issuer_unavailable";
  made.apis[0].connections_busy = 2;
  made.apis[1] = {.name = "ledger", .scheme = "api_key", .upstream = "https://b"};
  made.apis[1].auth.ends.certificate = from_unix_seconds(1'900'000'000);
  return made;
}

TEST(EgressCounters, SortsCallsByClassNeverByWhatACallerSent) {
  ApiCounters counters;
  counters.end({.method = "POST",
                .status = 201,
                .outcome = CallOutcome::answered,
                .attempts = 1,
                .duration = std::chrono::milliseconds(1)});
  counters.end({.method = "M-SEARCH",
                .status = 0,
                .outcome = CallOutcome::unknown,
                .attempts = 2,
                .duration = std::chrono::hours(1)});
  counters.end({.method = "other", .status = 999});
  EXPECT_EQ(counters.calls[method_class_of("POST")][2][0], 1u);
  EXPECT_EQ(counters.calls[method_classes.size() - 1][0][2], 1u);
  EXPECT_EQ(counters.calls[method_classes.size() - 1][0][1], 1u);
  EXPECT_EQ(counters.durations.front(), 2u) << "a bound belongs to its bucket";
  EXPECT_EQ(counters.durations.back(), 1u);
  EXPECT_EQ(counters.attempts, 3u);
}

TEST(EgressMetrics, PageIsWhatAScraperReads) {
  EgressReport made = report();
  made.counters.apis[0].end({.method = "POST",
                             .status = 201,
                             .outcome = CallOutcome::answered,
                             .attempts = 1,
                             .duration = std::chrono::milliseconds(3)});
  made.counters.problems[static_cast<size_t>(protocol::Reason::call_not_allowed)] = 5;
  const MetricsReader page(metrics_page(made));
  EXPECT_EQ(page.problems(), std::vector<std::string>());
  const std::string acme = "api=\"ac\\\"me\\\\\\n\"";
  EXPECT_EQ(page.value("countersign_egress_calls_total{" + acme +
                       ",method=\"POST\",status=\"2xx\",outcome=\"answered\"}"),
            1);
  EXPECT_EQ(
      page.value("countersign_egress_call_duration_seconds_bucket{" + acme + ",le=\"0.005\"}"), 1);
  EXPECT_EQ(page.value("countersign_egress_problems_total{reason=\"call_not_allowed\"}"), 5);
  EXPECT_EQ(page.value("countersign_egress_token_state{" + acme + ",state=\"stale_valid\"}"), 1);
  EXPECT_EQ(page.value("countersign_egress_token_state{" + acme + ",state=\"fresh\"}"), 0);
  EXPECT_EQ(page.value("countersign_egress_auth_runway_seconds{" + acme + "}"), 12.5);
  EXPECT_EQ(page.value("countersign_egress_auth_runway_seconds{api=\"ledger\"}"), HUGE_VAL);
  EXPECT_EQ(page.value("countersign_egress_certificate_not_after_seconds{api=\"ledger\"}"), 1.9e9);
  EXPECT_EQ(page.value("countersign_egress_token_state{api=\"ledger\",state=\"fresh\"}"), -1);
  EXPECT_EQ(page.value("countersign_egress_config_generation"), 3);
}

TEST(EgressMetrics, PageHasEveryFamilyOfTheTableInItsOrder) {
  std::vector<std::string> names;
  for (const MetricRow& row : all_egress_metrics()) names.emplace_back(row.name);
  EXPECT_EQ(MetricsReader(metrics_page(report())).family_names(), names);
}

TEST(EgressMetrics, SeriesAreBoundedByTheConfiguration) {
  EgressReport made = report();
  for (size_t method = 0; method < method_classes.size(); ++method) {
    for (auto& status : made.counters.apis[0].calls[method]) status.fill(1);
  }
  std::ranges::fill(made.counters.problems, 1);
  const MetricsReader page(metrics_page(made));
  EXPECT_EQ(page.problems(), std::vector<std::string>());
  EXPECT_LT(page.series(), 144 + 100 + 2 * 40u);
}

// The reference is kept by hand and judged by the table.
TEST(EgressMetrics, TheReferenceHasEveryRowAsTheTableHasIt) {
  const auto reference =
      read_text_file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/reference/metrics.md");
  ASSERT_TRUE(reference) << reference.error().for_log();
  std::string wanted;
  for (const MetricRow& row : all_egress_metrics()) {
    wanted.append("| `").append(row.name).append("` | ").append(name_of(row.type));
    wanted.append(" | ").append(row.labels).append(" | ").append(row.help).append(" |\n");
  }
  EXPECT_NE(reference->find("| --- | --- | --- | --- |\n" + wanted + "\n"), std::string::npos)
      << "docs/reference/metrics.md must have this table:\n"
      << wanted;
}

TEST(EgressReadiness, SaysWhatIsInTheWay) {
  EgressReport made = report();
  EXPECT_TRUE(made.ready());
  EXPECT_EQ(readiness_page(made), "ready\n");
  made.apis[1].auth.runway_seconds = 0;
  made.apis[1].auth.limited_by = "certificate";
  EXPECT_FALSE(made.ready());
  EXPECT_EQ(readiness_page(made), "ledger: certificate ended\n");
  made.apis[1].auth.limited_by = "token";
  made.apis[1].auth.token_status = TokenStatus::misconfigured;
  made.apis[1].auth.failure_code = "consumer.invalid_client";
  made.draining = true;
  EXPECT_EQ(readiness_page(made),
            "draining\nledger: token misconfigured (consumer.invalid_client)\n");
}

TEST(EgressStatus, IsAJsonObjectWithARowForEachApi) {
  const auto status = parse_json(status_page(report()));
  ASSERT_TRUE(status) << status.error().for_log();
  EXPECT_EQ((*status)["ready"], true);
  ASSERT_EQ((*status)["apis"].size(), 2u);
  EXPECT_EQ((*status)["apis"][0]["token"]["state"], "stale_valid");
  EXPECT_EQ((*status)["apis"][0]["auth_runway_seconds"], 12.0);
  EXPECT_TRUE((*status)["apis"][1]["token"].is_null());
  EXPECT_TRUE((*status)["apis"][1]["auth_runway_seconds"].is_null());
}

class FixedSource final : public ReportSource {
 public:
  Task<Result<EgressReport>> collect(BootTime) override {
    if (stuck) co_return fail(ErrorKind::timed_out, "egress.report_timeout", "a loop is stuck");
    co_return value;
  }
  EgressReport value = report();
  bool stuck = false;
};

class AdminServiceTest : public ::testing::Test {
 protected:
  testing::FakeExchange& ask(std::string_view path, std::string_view method = "GET",
                             std::string_view field = {}) {
    exchange_.emplace(method, path);
    if (!field.empty()) exchange_->field(field, "x");
    testing::FakeExchange::run(service_.serve(*exchange_));
    return *exchange_;
  }
  testing::FakeClock clock_;
  testing::TestExecutor executor_{clock_};
  FixedSource source_;
  AdminService service_{source_, executor_};
  std::optional<testing::FakeExchange> exchange_;
};

TEST_F(AdminServiceTest, HasItsPagesAndNothingElse) {
  EXPECT_EQ(ask("/livez").answer(), "alive\n");
  EXPECT_EQ(ask("/readyz").status(), 200);
  EXPECT_EQ(ask("/metrics").response_field("Content-Type"), metrics_content_type);
  EXPECT_EQ(ask("/status").response_field("Content-Type"), "application/json");
  EXPECT_EQ(ask("/metrics").response_field("Cache-Control"), "no-store");
  for (const std::string_view path : {"/", "/metrics/", "/status/x", "*"})
    EXPECT_EQ(ask(path).status(), 404) << path;
  EXPECT_EQ(ask("/metrics", "POST").status(), 405);
  EXPECT_EQ(ask("/metrics", "POST").response_field("Allow"), "GET, HEAD");
  EXPECT_EQ(ask("/status", "GET", "Origin").status(), 403);
  EXPECT_EQ(ask("/status", "GET", "Sec-Fetch-Site").status(), 403);
}

TEST_F(AdminServiceTest, IsNotReadyWithoutACredential) {
  source_.value.apis[0].auth.runway_seconds = 0;
  EXPECT_EQ(ask("/readyz").status(), 503);
  EXPECT_NE(exchange_->answer().find("token stale_valid"), std::string::npos);
  EXPECT_EQ(ask("/livez").status(), 200);
}

TEST_F(AdminServiceTest, AStuckLoopIsSeen) {
  source_.stuck = true;
  for (const std::string_view path : {"/metrics", "/readyz", "/status"}) {
    EXPECT_EQ(ask(path).status(), 503) << path;
    EXPECT_NE(exchange_->answer().find("egress.report_timeout"), std::string::npos);
  }
  EXPECT_EQ(ask("/livez").status(), 200);
}

}  // namespace
}  // namespace countersign::consumer
