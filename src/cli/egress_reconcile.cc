#include "cli/egress_reconcile.h"

#include <algorithm>

#include "cli/egress_command.h"
#include "cli/output.h"
#include "consumer/egress/reconciler.h"
#include "core/log.h"

namespace countersign::cli {
namespace {

std::vector<OutputRecord> to_rows(const std::vector<consumer::ReconciledEntry>& entries) {
  std::vector<OutputRecord> rows;
  for (const consumer::ReconciledEntry& entry : entries) {
    OutputRecord row;
    row.text("api", entry.api)
        .text("key", entry.key_sent ? entry.key : "")
        .text("begun", format_time(entry.begun_at))
        .text("method", entry.method)
        .text("target", entry.path)
        .text("state", store::name_of(entry.state))
        .number("status", entry.status)
        .text("note", entry.note);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Result<void> reconcile_egress(const CommonOptions& common, const ReconcileFlags& flags) {
  CS_TRY(EgressConfig config, load_egress_config(common));
  if (!config.journal) {
    return fail(ErrorKind::misconfigured, "egress.no_journal",
                "the configuration has no [journal]: nothing was recorded");
  }
  const JournalConfig journal_config = *config.journal;
  const SystemClock clock;
  CS_TRY(const auto journal, open_journal(journal_config, clock));
  std::vector<consumer::ReconciledEntry> entries;
  CS_CHECK(with_egress_apis(
      std::move(config),
      [&](net::Loop& loop, std::vector<consumer::EgressApi> apis) -> Result<void> {
        consumer::Reconciler reconciler(
            loop, clock, *journal, *journal_config.key, journal_config.key_version, std::move(apis),
            {.attempts_per_second = flags.rate, .wait_for_held = flags.wait});
        CS_TRY(entries, loop.run_until_done(reconciler.run()));
        return {};
      }));
  print(to_rows(entries), common.output);
  const auto open = std::ranges::count_if(entries, [](const auto& e) { return !e.resolved(); });
  if (open == 0) return {};
  return fail(
      ErrorKind::unavailable, "egress.unresolved",
      std::to_string(open) + " of " + std::to_string(entries.size()) + " calls are not resolved");
}

}  // namespace countersign::cli
