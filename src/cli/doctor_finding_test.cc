#include "cli/doctor_finding.h"

#include <gtest/gtest.h>

#include "http/http_date.h"

namespace countersign::cli {
namespace {

using namespace std::chrono_literals;

const WallTime noon = from_unix_seconds(1'800'000'000);

crypto::Certificate valid_for(std::chrono::seconds rest) {
  crypto::Certificate certificate;
  certificate.subject = "CN=shop";
  certificate.not_before = noon - std::chrono::days(300);
  certificate.not_after = noon + rest;
  return certificate;
}

Verdict validity(std::chrono::seconds rest) {
  return judge_validity("certificate", valid_for(rest), "own", noon).verdict;
}

TEST(JudgeValidity, WarnsTwoWeeksAheadAndFailsAfterTheLastMoment) {
  EXPECT_EQ(validity(std::chrono::days(14)), Verdict::ok);
  EXPECT_EQ(validity(std::chrono::days(14) - 1s), Verdict::warning);
  EXPECT_EQ(validity(0s), Verdict::warning) << "notAfter is the last moment at which it is valid";
  EXPECT_EQ(validity(-1s), Verdict::failed);
}

TEST(JudgeValidity, ACertificateOfTomorrowFails) {
  crypto::Certificate certificate = valid_for(std::chrono::days(90));
  certificate.not_before = noon + 1s;
  const Finding finding = judge_validity("certificate", certificate, "own", noon);
  EXPECT_EQ(finding.verdict, Verdict::failed);
  EXPECT_NE(finding.found.find("not valid yet"), std::string::npos) << finding.found;
  EXPECT_FALSE(finding.advice.empty());
}

// The server's clock is `ahead` of ours; the answer took 100 ms.
Finding clock(std::chrono::seconds ahead) {
  return judge_clock(http::format_http_date(noon + ahead), noon, noon + 100ms);
}

TEST(JudgeClock, SmallDifferencesAgreeLargeOnesFail) {
  for (const auto agreed : {0s, 1s, 2s, -1s, -3s}) {
    EXPECT_EQ(clock(agreed).verdict, Verdict::ok) << agreed.count();
  }
  for (const auto tolerated : {3s, 30s, -4s, -31s}) {
    EXPECT_EQ(clock(tolerated).verdict, Verdict::warning) << tolerated.count();
  }
  for (const auto wrong : {31s, 86'400s, -32s, -86'400s}) {
    EXPECT_EQ(clock(wrong).verdict, Verdict::failed) << wrong.count();
  }
}

TEST(JudgeClock, SaysWhichWay) {
  EXPECT_EQ(clock(60s).found, "the server's clock is 60 s ahead of this one");
  EXPECT_EQ(clock(-60s).found, "the server's clock is 59 s behind this one");
}

TEST(JudgeClock, ASlowAnswerIsNoSkew) {
  const Finding finding = judge_clock(http::format_http_date(noon + 20s), noon, noon + 60s);
  EXPECT_EQ(finding.verdict, Verdict::ok);
}

TEST(JudgeClock, NeedsADate) {
  EXPECT_EQ(judge_clock("", noon, noon).verdict, Verdict::skipped);
  EXPECT_EQ(judge_clock("yesterday", noon, noon).verdict, Verdict::skipped);
}

}  // namespace
}  // namespace countersign::cli
