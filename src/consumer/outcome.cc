#include "consumer/outcome.h"

#include "core/error.h"
#include "protocol/decision_id.h"
#include "protocol/reason.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view reason_field = "Countersign-Reason";

std::optional<protocol::Reason> reason_of(const http::ResponseHead& answer) {
  const http::Field* field = answer.find(reason_field);
  return field ? protocol::parse_reason(field->value) : std::nullopt;
}

// Answers that judge an attempt and not the write: another one may well fare otherwise.
bool is_about_the_attempt(int status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
    case 408:
    case 409:  // providers answer so while the first request with the same key is in progress
    case 421:
    case 425:
    case 429:
      return true;
    default:
      return status >= 500;
  }
}

}  // namespace

std::string_view name_of(CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::answered:
      return "answered";
    case CallOutcome::not_sent:
      return "not_sent";
    case CallOutcome::unknown:
      return "unknown";
  }
  panic("a CallOutcome without a name");
}

bool is_refused_before_forwarding(const http::ResponseHead& answer) {
  const auto reason = reason_of(answer);
  return reason && protocol::row_of(*reason).forwarded == protocol::Forwarded::no &&
         protocol::DecisionId::parse(answer.value(protocol::decision_id_field));
}

CallOutcome outcome_of(const http::ResponseHead& answer, bool is_safe, bool maybe_processed) {
  if (is_safe || answer.status < 400) [[likely]]
    return CallOutcome::answered;
  const auto reason = reason_of(answer);
  const bool refused = reason && protocol::row_of(*reason).forwarded == protocol::Forwarded::no;
  if (refused) return maybe_processed ? CallOutcome::unknown : CallOutcome::answered;
  const bool from_between = answer.status == 502 || answer.status == 504;
  if (reason || from_between) return CallOutcome::unknown;
  const bool settles = !maybe_processed || !is_about_the_attempt(answer.status);
  return settles ? CallOutcome::answered : CallOutcome::unknown;
}

}  // namespace countersign::consumer
