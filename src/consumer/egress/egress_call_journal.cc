// EgressService::Call: its entry in the journal (design §4.3).

#include <algorithm>

#include "consumer/egress/egress_call.h"
#include "consumer/idempotency_key.h"
#include "core/ascii.h"

namespace countersign::consumer {
namespace {

using protocol::Reason;

// Another call with the same key may end any moment; a full or failing disk takes longer.
constexpr std::chrono::seconds retry_after_in_flight{1};
constexpr std::chrono::seconds retry_after_journal{5};

// Written anew by whoever sends the request.
bool is_framing(std::string_view name) {
  return ascii::equal_ignoring_case(name, "content-length") ||
         ascii::equal_ignoring_case(name, "expect");
}

store::JournalState state_of(CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::answered:
      return store::JournalState::answered;
    case CallOutcome::not_sent:
      return store::JournalState::not_sent;
    case CallOutcome::unknown:
      return store::JournalState::unknown;
  }
  panic("a CallOutcome without a state");
}

}  // namespace

bool EgressService::Call::is_journalled() const {
  return api_ && api_->journal && rule_.journal && !request_.is_safe();
}

size_t EgressService::Call::keep_bytes() const {
  if (!api_) return 0;
  const size_t kept = api_->options.keep_body_bytes_max;
  return is_journalled() ? std::max(kept, api_->journal->body_bytes_max()) : kept;
}

JournalledRequest EgressService::Call::journalled_request(std::string_view body) const {
  JournalledRequest kept{.method = std::string(request_.method),
                         .target = std::string(target_),
                         .fields = {},
                         .body = std::string(body)};
  for (const http::Field& field : request_.fields) {
    if (is_framing(field.name) || request_.is_hop_by_hop(field.name)) continue;
    if (service_.filter_.request_passes(field.name))
      kept.fields.emplace_back(field.name, field.value);
  }
  if (!added_key_.empty()) kept.fields.emplace_back(idempotency_key_field, added_key_);
  return kept;
}

Task<std::optional<EgressProblem>> EgressService::Call::record(http::RelayBody& body) {
  const auto text = co_await body.read_ahead(api_->journal->body_bytes_max());
  if (!text) co_return body_not_read(text.error());
  const JournalledRequest request = journalled_request(*text);
  entry_key_ = key_.empty() ? api_->journal->make_entry_key() : std::string(key_);
  const JournalledCall call{.api = api_->options.name,
                            .key = entry_key_,
                            .key_sent = !key_.empty(),
                            .key_honoured = rule_.idempotency_key_honoured};
  const auto start = co_await api_->journal->begin(service_.loop_, call, request, deadline_);
  if (start) co_return judged(*start);
  EgressProblem problem =
      unanswered(Reason::journal_unavailable, /*sent=*/false, start.error().code);
  problem.detail_for_log = start.error().for_log();
  problem.retry_after = retry_after_journal;
  co_return problem;
}

// Nothing was sent by this call. Where another with its key was, or may have been, the outcome is
// not `not_sent`: that would invite a repeat under another key.
std::optional<EgressProblem> EgressService::Call::judged(const store::JournalStart& start) {
  using store::JournalVerdict;
  EgressProblem problem = unanswered(Reason::internal_error, /*sent=*/false, "");
  switch (start.verdict) {
    case JournalVerdict::started:
      entry_attempt_ = start.attempt;
      if (start.maybe_processed) progress_.note_earlier_attempt();
      return std::nullopt;
    case JournalVerdict::resent:
      return std::nullopt;
    case JournalVerdict::in_flight:
      problem.reason = Reason::call_in_flight;
      problem.outcome = CallOutcome::unknown;
      problem.retry_after = retry_after_in_flight;
      break;
    case JournalVerdict::key_reused:
      problem.reason = Reason::idempotency_key_reused;
      break;
    case JournalVerdict::may_be_doubled:
      problem.reason = Reason::call_may_be_doubled;
      problem.outcome = CallOutcome::unknown;
      break;
    case JournalVerdict::full:
      problem.reason = Reason::journal_unavailable;
      problem.code = "journal.full";
      problem.retry_after = retry_after_journal;
      break;
  }
  return problem;
}

void EgressService::Call::end_entry() {
  if (entry_attempt_ == 0) return;
  api_->journal->end({.api = api_->options.name,
                      .key = std::move(entry_key_),
                      .attempt = std::exchange(entry_attempt_, 0),
                      .state = state_of(outcome()),
                      .status = status_,
                      .code = code_});
}

}  // namespace countersign::consumer
