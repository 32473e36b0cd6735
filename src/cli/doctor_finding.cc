#include "cli/doctor_finding.h"

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "http/http_date.h"

namespace countersign::cli {
namespace {

using std::chrono::days;
using std::chrono::seconds;

// A certificate is commonly renewed a month ahead; with two weeks left somebody has forgotten.
constexpr days renew_ahead{14};
// HTTP dates have whole seconds, and the answer was on its way for a while.
constexpr seconds skew_ignored{2};
// Verifiers commonly allow for this much.
constexpr seconds skew_tolerated{30};

std::string day_text(WallTime time) {
  return fmt::format("{:%Y-%m-%d}", std::chrono::floor<days>(time));
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
  }
  panic("a Verdict without a name");
}

Finding judge_validity(std::string check, const crypto::Certificate& certificate,
                       std::string_view whose, WallTime now) {
  Finding finding{.check = std::move(check)};
  finding.found = fmt::format("{} \"{}\", valid {} to {}", whose, certificate.subject,
                              day_text(certificate.not_before), day_text(certificate.not_after));
  if (now > certificate.not_after) {
    finding.verdict = Verdict::failed;
    finding.found += ": expired";
    finding.advice = "Renew it.";
  } else if (now < certificate.not_before) {
    finding.verdict = Verdict::failed;
    finding.found += ": not valid yet";
    finding.advice = "Compare this machine's clock with the date.";
  } else if (certificate.not_after - now < renew_ahead) {
    finding.verdict = Verdict::warning;
    finding.found += fmt::format(": {} days left",
                                 std::chrono::floor<days>(certificate.not_after - now).count());
    finding.advice = "Renew it; calls fail when it ends.";
  }
  return finding;
}

Finding judge_clock(std::string_view date, WallTime asked, WallTime answered) {
  const auto theirs = http::parse_http_date(date);
  if (!theirs) return {"clock", Verdict::skipped, "the answer carries no Date", ""};
  // The second that the server wrote may have ended just before it answered.
  const WallTime latest = *theirs + seconds(1);
  const auto none = std::chrono::microseconds(0);
  const auto behind = std::max(none, std::chrono::microseconds(asked - latest));
  const auto ahead = std::max(none, std::chrono::microseconds(*theirs - answered));
  const auto skew = std::chrono::ceil<seconds>(std::max(behind, ahead));
  if (skew <= skew_ignored) return {"clock", Verdict::ok, "agrees with the server's", ""};
  return {"clock", skew <= skew_tolerated ? Verdict::warning : Verdict::failed,
          fmt::format("the server's clock is {} s {} this one", skew.count(),
                      ahead > behind ? "ahead of" : "behind"),
          "Set the clocks by NTP: tokens and proofs are judged by them."};
}

}  // namespace countersign::cli
