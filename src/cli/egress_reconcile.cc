#include "cli/egress_reconcile.h"

#include <algorithm>

#include "cli/egress_config.h"
#include "cli/egress_generation.h"
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

// The APIs as the egress makes them, on one loop and without a listener.
Result<std::vector<consumer::ReconciledEntry>> reconcile_with(EgressConfig config,
                                                              store::Journal& journal,
                                                              const store::SealingKeys& keys,
                                                              const Clock& clock,
                                                              const ReconcileFlags& flags) {
  CS_TRY(auto home, net::LoopThread::create());
  EgressProcess process(std::move(home));
  CS_TRY(auto generation, EgressGeneration::create(std::move(config), process, 1));
  CS_TRY(const auto loop, net::Loop::create());
  process.home->loop().post([first = generation.get()] { first->start(); });
  process.home->start();
  Result<std::vector<consumer::ReconciledEntry>> entries;
  {
    consumer::AccessLog no_log(nullptr);
    const LoopGeneration apis(generation, *loop, no_log);
    consumer::Reconciler reconciler(
        *loop, clock, journal, keys, apis.egress_apis(),
        {.attempts_per_second = flags.rate, .wait_for_held = flags.wait});
    entries = loop->run_until_done(reconciler.run());
  }
  process.home->stop();
  process.home->loop().turn(/*wait=*/false);  // what the loop's side has left to end here
  return entries;
}

}  // namespace

Result<void> reconcile_egress(const CommonOptions& common, const ReconcileFlags& flags) {
  CS_TRY(EgressConfig config, load_egress_config(common));
  if (!config.journal) {
    return fail(ErrorKind::misconfigured, "egress.no_journal",
                "the configuration has no [journal]: nothing was recorded");
  }
  const JournalConfig journal_config = *config.journal;
  CS_TRY(const store::SealingKeys keys, load_sealing_keys(journal_config));
  const SystemClock clock;
  CS_TRY(const auto journal, open_journal(journal_config, clock));
  CS_TRY(const auto entries, reconcile_with(std::move(config), *journal, keys, clock, flags));
  print(to_rows(entries), common.output);
  const auto open = std::ranges::count_if(entries, [](const auto& e) { return !e.resolved(); });
  if (open == 0) return {};
  return fail(
      ErrorKind::unavailable, "egress.unresolved",
      std::to_string(open) + " of " + std::to_string(entries.size()) + " calls are not resolved");
}

}  // namespace countersign::cli
