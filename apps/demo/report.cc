#include "demo/report.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "core/json.h"

namespace countersign::demo {

void Report::say(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Report::heading(std::string_view text) const {
  say(fmt::format("\n{}", text));
}

void Report::add(PaymentStep step) {
  say(fmt::format("  {} {}: {} {} in {:.1f} ms, read back {}", step.ok ? "ok  " : "FAIL", step.file,
                  step.status, step.payment_id, static_cast<double>(step.took.count()) / 1000.0,
                  step.read_back_status));
  const bool first_of_scheme =
      std::ranges::none_of(payments_, [&](const auto& p) { return p.scheme == step.scheme; });
  if (first_of_scheme) {
    say("       on the wire to the provider (inside mutual TLS 1.3; secrets redacted):");
    for (const std::string& line : step.wire) say("         " + line);
  }
  payments_.push_back(std::move(step));
}

void Report::add(RefusalStep step) {
  const std::string status = step.status == 0 ? "no TLS" : std::to_string(step.status);
  say(fmt::format("  {} {:<46} {:<7} {}", step.ok ? "ok  " : "FAIL", step.what, status,
                  step.reason));
  if (!step.decision_id.empty()) say(fmt::format("       decision {}", step.decision_id));
  if (!step.told.empty()) say(fmt::format("       {}", step.told));
  if (!step.ok) say(fmt::format("       expected {}", step.expected_reason));
  refusals_.push_back(std::move(step));
}

void Report::failed(std::string_view what, const Error& error) {
  failures_.push_back(fmt::format("{}: {}", what, error.for_log()));
  say("  FAIL " + failures_.back());
}

bool Report::ok() const {
  return failures_.empty() && !payments_.empty() && !refusals_.empty() &&
         std::ranges::all_of(payments_, &PaymentStep::ok) &&
         std::ranges::all_of(refusals_, &RefusalStep::ok);
}

std::string Report::json() const {
  Json payments = Json::array();
  for (const PaymentStep& step : payments_) {
    payments.push_back({{"scheme", step.scheme},
                        {"file", step.file},
                        {"status", step.status},
                        {"read_back_status", step.read_back_status},
                        {"payment", step.payment_id},
                        {"milliseconds", static_cast<double>(step.took.count()) / 1000.0},
                        {"ok", step.ok}});
  }
  Json refusals = Json::array();
  for (const RefusalStep& step : refusals_) {
    refusals.push_back({{"what", step.what},
                        {"status", step.status},
                        {"reason", step.reason},
                        {"decision_id", step.decision_id},
                        {"ok", step.ok}});
  }
  return to_text(
      {{"ok", ok()}, {"payments", payments}, {"refusals", refusals}, {"failures", failures_}});
}

}  // namespace countersign::demo
