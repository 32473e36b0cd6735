#include "store/journal.h"

namespace countersign::store {
namespace {

// The provider has said no to the write itself: nothing was done.
bool is_refusal(int status) {
  return status >= 400 && status < 500;
}

}  // namespace

std::string_view name_of(JournalState state) {
  switch (state) {
    case JournalState::pending:
      return "pending";
    case JournalState::answered:
      return "answered";
    case JournalState::not_sent:
      return "not_sent";
    case JournalState::unknown:
      return "unknown";
  }
  panic("a JournalState without a name");
}

JournalStart judge(const JournalFound* found, const JournalBegin& begin) {
  if (!found) return {.verdict = JournalVerdict::started, .attempt = 1};
  if (found->digest != begin.digest) return {.verdict = JournalVerdict::key_reused};
  if (found->held) return {.verdict = JournalVerdict::in_flight};
  // What is pending and not held was left behind by a process that ended in the middle.
  const bool unresolved =
      found->state == JournalState::pending || found->state == JournalState::unknown;
  const bool honoured = begin.key_sent && begin.key_honoured;
  const JournalStart started{.verdict = JournalVerdict::started,
                             .attempt = found->attempt + 1,
                             .maybe_processed = found->maybe_processed || unresolved};
  if (unresolved) return honoured ? started : JournalStart{JournalVerdict::may_be_doubled};
  if (found->state == JournalState::not_sent || is_refusal(found->status)) return started;
  return {.verdict = honoured ? JournalVerdict::resent : JournalVerdict::may_be_doubled};
}

}  // namespace countersign::store
