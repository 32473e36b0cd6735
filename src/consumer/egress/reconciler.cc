#include "consumer/egress/reconciler.h"

#include <algorithm>
#include <utility>

#include "consumer/idempotency_key.h"
#include "consumer/outcome.h"

namespace countersign::consumer {
namespace {

constexpr size_t page_size = 100;

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

ReconciledEntry report_of(const store::JournalEntry& entry) {
  return {.api = entry.api,
          .key = entry.key,
          .key_sent = entry.key_sent,
          .begun_at = entry.begun_at,
          .state = entry.state,
          .status = entry.status};
}

// Read to its end within reason, so that the connection can serve the next.
Task<void> discard_body(http::ClientExchange& upstream) {
  constexpr int pieces_max = 64;
  for (int i = 0; i < pieces_max; ++i) {
    const auto piece = co_await upstream.read_body();
    if (!piece || piece->empty()) break;
  }
}

}  // namespace

Reconciler::Reconciler(Executor& loop, const Clock& clock, store::Journal& journal,
                       const store::SealingKeys& keys, std::vector<EgressApi> apis,
                       ReconcileOptions options)
    : loop_(loop),
      clock_(clock),
      journal_(journal),
      keys_(keys),
      apis_(std::move(apis)),
      options_(options) {}

const EgressApi* Reconciler::find_api(std::string_view name) const {
  const auto found = std::ranges::find_if(
      apis_, [name](const EgressApi& api) { return api.options.name == name; });
  return found == apis_.end() ? nullptr : &*found;
}

Task<Result<std::vector<ReconciledEntry>>> Reconciler::run() {
  wait_until_ = loop_.now() + options_.wait_for_held;
  std::vector<ReconciledEntry> all;
  std::string api;
  std::string key;
  for (;;) {
    CS_CO_TRY(auto page, journal_.unresolved(api, key, page_size));
    if (page.empty()) co_return all;
    api = page.back().api;
    key = page.back().key;
    for (store::JournalEntry& entry : page) {
      CS_CO_TRY(ReconciledEntry done, co_await reconcile(std::move(entry)));
      all.push_back(std::move(done));
    }
  }
}

// Until nobody holds it any more, or the time for that has run out.
Task<Result<void>> Reconciler::wait_while_held(store::JournalEntry& entry) {
  while (entry.held_for > std::chrono::microseconds(0) && loop_.now() < wait_until_) {
    co_await sleep_until(loop_, std::min(wait_until_, loop_.now() + entry.held_for));
    CS_CO_TRY(auto found, journal_.find(entry.api, entry.key));
    if (!found) break;
    entry = *std::move(found);
  }
  co_return Result<void>();
}

Task<Result<ReconciledEntry>> Reconciler::reconcile(store::JournalEntry entry) {
  const auto request = open_journalled(entry, keys_);
  CS_CO_CHECK(co_await wait_while_held(entry));
  ReconciledEntry report = report_of(entry);
  if (request) {
    report.method = request->method;
    report.path = request->target;
  }
  if (report.resolved()) co_return report;  // by whoever held it
  if (!request) {
    report.note = "cannot be opened (" + request.error().code + "); needs the journal's former key";
    co_return report;
  }
  const EgressApi* api = find_api(entry.api);
  if (!api || !api->policy) {
    report.note = "no API of this name is configured; look it up at the provider";
  } else if (entry.held_for > std::chrono::microseconds(0)) {
    report.note = "a call is under way, or ended in a crash; run again, or with --wait";
  } else if (!entry.key_sent) {
    report.note = "was sent without a key; look it up at the provider before sending it again";
  } else if (!api->policy->rule_for(request->method, path_of(request->target))
                  .idempotency_key_honoured) {
    report.note = "the provider does not honour keys; look it up before sending it again";
  } else {
    CS_CO_CHECK(co_await repeat(*api, entry, *request, report));
  }
  co_return report;
}

Task<Result<void>> Reconciler::repeat(const EgressApi& api, const store::JournalEntry& entry,
                                      const JournalledRequest& request, ReconciledEntry& report) {
  co_await sleep_until(loop_, next_attempt_);
  next_attempt_ = loop_.now() + std::chrono::seconds(1) / options_.attempts_per_second;
  const CallRule& rule = api.policy->rule_for(request.method, path_of(request.target));
  const auto patience = rule.deadline.value_or(api.options.deadline);
  const auto hold_for =
      std::chrono::ceil<std::chrono::microseconds>(patience + options_.hold_margin);
  CS_CO_TRY(const auto attempt, journal_.take_over(entry.api, entry.key, entry.attempt, hold_for));
  if (!attempt) {
    report.note = "somebody else has taken it up; run again";
    co_return Result<void>();
  }
  Sent sent = co_await send(api, request, loop_.now() + patience);
  const store::JournalEnd end{.api = entry.api,
                              .key = entry.key,
                              .attempt = *attempt,
                              .state = sent.state,
                              .status = sent.status,
                              .code = sent.code};
  CS_CO_CHECK(journal_.write({}, {&end, 1}, /*entries_max=*/0));
  report.state = sent.state;
  report.status = sent.status;
  if (!report.resolved()) report.note = "repeated without an answer that settles it: " + sent.code;
  co_return Result<void>();
}

// One attempt; a second one only where the credential was refused before the call was acted upon.
Task<Reconciler::Sent> Reconciler::send(const EgressApi& api, const JournalledRequest& request,
                                        BootTime deadline) {
  Attached attached;
  for (bool replaced = false;;) {
    while (!api.scheme->attach(now(), attached)) {
      const auto ready = co_await api.scheme->wait_ready(deadline);
      if (!ready) co_return Sent{.code = ready.error().error.code};
    }
    auto opened = co_await api.upstream->open({.deadline = deadline});
    if (!opened) co_return Sent{.code = opened.error().code};
    if (!api.scheme->attach(now(), attached)) continue;
    const std::unique_ptr<http::ClientExchange> upstream = *std::move(opened);
    http::HeadWriter& writer = upstream->begin_request(
        request.method, request.target, http::BodyFraming::of_length(request.body.size()));
    for (const auto& [name, value] : request.fields) writer.field(name, value);
    writer.field(attached.field_name, attached.field_value);
    if (const auto written = co_await upstream->send(request.body, /*last=*/true); !written)
      co_return Sent{.code = written.error().code};
    const auto head = co_await upstream->read_head();
    if (!head) co_return Sent{.code = head.error().code};
    const int status = (*head)->status;
    const CallOutcome outcome = outcome_of(**head, /*is_safe=*/false, /*maybe_processed=*/true);
    const bool refused = status == 401 || status == 403;
    const AfterRefusal after =
        refused ? api.scheme->refused(**head, attached.generation) : AfterRefusal::pass_on;
    const std::string code = "status " + std::to_string(status);
    co_await discard_body(*upstream);
    if (after == AfterRefusal::repeat && !std::exchange(replaced, true)) continue;
    if (outcome != CallOutcome::answered) co_return Sent{.status = status, .code = code};
    co_return Sent{.state = store::JournalState::answered, .status = status};
  }
}

}  // namespace countersign::consumer
