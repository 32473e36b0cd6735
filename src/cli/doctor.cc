#include "cli/doctor.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/doctor_checks.h"
#include "cli/output.h"

namespace countersign::cli {
namespace {

// Two lines a finding at most: terminals wrap, people copy.
void print_text(const EgressApiConfig& api, const std::vector<Finding>& findings) {
  fmt::print("{}: {}\n", api.options.name, api.url.origin());
  for (const Finding& finding : findings) {
    const bool bad = finding.verdict == Verdict::failed;
    fmt::print("  {:<8} {:<26} {}\n", bad ? "FAILED" : name_of(finding.verdict), finding.check,
               finding.found);
    if (!finding.advice.empty()) fmt::print("  {:<8} {:<26} -> {}\n", "", "", finding.advice);
  }
}

void append_rows(std::vector<OutputRecord>& rows, const EgressApiConfig& api,
                 const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    OutputRecord row;
    row.text("api", api.options.name)
        .text("check", finding.check)
        .text("verdict", name_of(finding.verdict))
        .text("found", finding.found)
        .text("advice", finding.advice);
    rows.push_back(std::move(row));
  }
}

}  // namespace

Result<void> run_doctor(const CommonOptions& common, const DoctorFlags& flags) {
  CS_TRY(const EgressConfig config, load_egress_config(common));
  CS_TRY(const auto loop, net::Loop::create());
  SystemClock clock;
  SystemEntropy entropy;
  net::Resolver resolver(clock, {});
  const DoctorOptions options{.path = flags.path,
                              .step_timeout = std::chrono::milliseconds(flags.timeout_ms)};
  std::vector<OutputRecord> rows;
  size_t examined = 0;
  size_t failed = 0;
  for (const EgressApiConfig& api : config.apis) {
    if (!flags.api.empty() && api.options.name != flags.api) continue;
    ++examined;
    ApiDoctor doctor(api, options, *loop, resolver, clock, entropy);
    loop->run_until_done(doctor.examine());
    failed += static_cast<size_t>(
        std::ranges::count(doctor.findings(), Verdict::failed, &Finding::verdict));
    if (common.output == OutputForm::text) print_text(api, doctor.findings());
    append_rows(rows, api, doctor.findings());
  }
  if (examined == 0) {
    return fail(ErrorKind::invalid_input, "doctor.unknown_api",
                "the configuration has no API \"" + flags.api + "\"");
  }
  if (common.output == OutputForm::json) print(rows, common.output);
  if (failed == 0) return {};
  return fail(ErrorKind::unavailable, "doctor.failed",
              fmt::format("{} check{} failed", failed, failed == 1 ? "" : "s"));
}

}  // namespace countersign::cli
