#include "client/api_call.h"

#include <algorithm>
#include <utility>

#include "client/request_rules.h"
#include "consumer/idempotency_key.h"
#include "http/challenge.h"
#include "http/target.h"
#include "protocol/decision_id.h"
#include "protocol/reason.h"

namespace countersign::client {
namespace {

using protocol::Reason;

// An answer that is discarded is read as far as it is there, so that its connection can be used
// again.
constexpr int discarded_pieces_max = 8;
// A connection that could not be made is worth another try soon, and not at once.
constexpr std::chrono::seconds retry_after_no_connection{1};

bool is_safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

OutcomeKind kind_of(consumer::CallOutcome outcome) {
  switch (outcome) {
    case consumer::CallOutcome::not_sent:
      return OutcomeKind::not_sent;
    case consumer::CallOutcome::answered:
      return OutcomeKind::answered;
    case consumer::CallOutcome::unknown:
      return OutcomeKind::unknown;
  }
  panic("a CallOutcome of no kind");
}

std::string choose_key(const Request& request, bool add, consumer::CallPolicy& policy) {
  if (!request.idempotency_key.empty()) return request.idempotency_key;
  return add ? consumer::make_idempotency_key(policy.entropy()) : std::string();
}

std::chrono::milliseconds time_of(const CallLimits& limits, const consumer::CallRule& rule) {
  using std::chrono::milliseconds;
  if (!limits.deadline) return rule.deadline.value_or(limits.deadline_otherwise);
  return std::clamp<milliseconds>(*limits.deadline, milliseconds(1), std::chrono::hours(1));
}

std::optional<std::chrono::seconds> rounded_up(BootClock::duration wait) {
  if (wait <= BootClock::duration::zero()) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(wait);
}

}  // namespace

ApiCall::ApiCall(const CallPlace& place, Request request, const CallLimits& limits)
    : place_(place),
      request_(std::move(request)),
      response_bytes_max_(limits.response_bytes_max),
      is_safe_(is_safe_method(request_.method)),
      rule_(place.policy.rule_for(request_.method, http::split_target(request_.target).path)),
      deadline_(limits.began + time_of(limits, rule_)),
      key_(choose_key(request_, rule_.add_idempotency_key && !is_safe_, place.policy)),
      progress_(rule_, &place.policy,
                {.is_safe = is_safe_, .has_key = !key_.empty(), .deadline = deadline_}) {
  place_.policy.budget().count_call();
}

Task<void> ApiCall::perform() {
  if (auto checked = check_request(request_, place_.filter); !checked) {
    refuse(checked.error().public_text);
    co_return;
  }
  outcome_.idempotency_key = key_;
  for (;;) {
    if (!attach()) {
      const auto ready = co_await place_.scheme.wait_ready(deadline_);
      if (ready) continue;
      not_ready(ready.error());
      co_return;
    }
    auto opened = co_await place_.upstream.open(
        {.deadline = deadline_, .fresh_connection = progress_.wants_fresh_connection()});
    if (!opened) {
      if (!progress_.may_repeat_unopened(opened.error(), place_.loop.now())) {
        unanswered(opened.error(), protocol::code_of(Reason::upstream_unavailable));
        outcome_.retry_after = retry_after_no_connection;
        co_return;
      }
      co_await pause();
      continue;
    }
    if (!attach()) continue;  // it ended while the connection was being made
    exchange_ = *std::move(opened);
    progress_.begin_attempt();
    outcome_.attempts = progress_.attempts();
    const auto head = co_await send();
    if (head ? repeats_answered(**head) : repeats_failed(head.error())) {
      if (head) co_await discard_answer();
      exchange_ = nullptr;  // back to the pool before the pause
      co_await pause();
      continue;
    }
    if (head) {
      co_await receive(**head);
    } else {
      unanswered(head.error(), protocol::code_of(Reason::upstream_unavailable));
    }
    exchange_ = nullptr;
    co_return;
  }
}

Task<Result<const http::ResponseHead*>> ApiCall::send() {
  http::HeadWriter& writer = exchange_->begin_request(
      request_.method, request_.target, http::BodyFraming::of_length(request_.body.size()));
  for (const Field& field : request_.fields) writer.field(field.name, field.value);
  if (!key_.empty()) writer.field(consumer::idempotency_key_field, key_);
  writer.field(attached_.field_name, attached_.field_value);
  CS_CO_CHECK(co_await exchange_->send(request_.body, /*last=*/true));
  co_return co_await exchange_->read_head();
}

bool ApiCall::repeats_failed(const Error& error) {
  return progress_.may_repeat_failed(error, *exchange_, /*can_rewind=*/true, place_.loop.now());
}

bool ApiCall::repeats_answered(const http::ResponseHead& head) {
  constexpr bool can_rewind = true;  // the request is in memory
  return progress_.may_repeat_answered(head, place_.scheme, attached_.generation, can_rewind,
                                       now());
}

Task<void> ApiCall::discard_answer() {
  for (int i = 0; i < discarded_pieces_max && exchange_->body_buffered(); ++i) {
    const auto piece = co_await exchange_->read_body();
    if (!piece || piece->empty()) break;
  }
}

Task<void> ApiCall::receive(const http::ResponseHead& head) {
  progress_.answered(head);
  outcome_.kind = kind_of(progress_.outcome());
  outcome_.status = head.status;
  for (const http::Field& field : head.fields) {
    if (head.is_hop_by_hop(field.name)) continue;
    outcome_.fields.push_back({std::string(field.name), std::string(field.value)});
  }
  outcome_.reason = head.value("Countersign-Reason");
  if (outcome_.reason.empty() && outcome_.kind == OutcomeKind::unknown)
    outcome_.reason = protocol::code_of(Reason::outcome_unknown);
  if (const auto id = protocol::DecisionId::parse(head.value(protocol::decision_id_field)))
    outcome_.decision_id = id->text();
  if (const http::Field* field = head.find("Retry-After")) {
    const auto wait = http::parse_retry_after(field->value, place_.clock.wall_now());
    if (wait) outcome_.retry_after = *wait;
  }
  co_await receive_body();
}

Task<void> ApiCall::receive_body() {
  for (;;) {
    const auto piece = co_await exchange_->read_body();
    if (!piece) {
      outcome_.body_state = BodyState::cut_off;
      outcome_.code = piece.error().code;
      outcome_.detail = piece.error().for_log();
      co_return;
    }
    if (piece->empty()) co_return;
    const size_t room = response_bytes_max_ - outcome_.body.size();
    outcome_.body += piece->substr(0, room);
    if (piece->size() > room) {
      outcome_.body_state = BodyState::too_long;
      outcome_.code = "http.response_too_large";
      co_return;
    }
  }
}

bool ApiCall::sent() const {
  return exchange_ && exchange_->send_state() != http::SendState::not_sent;
}

void ApiCall::unanswered(const Error& error, std::string_view reason) {
  progress_.ended(progress_.outcome_unanswered(sent()));
  outcome_.kind = kind_of(progress_.outcome());
  const bool unknown = outcome_.kind == OutcomeKind::unknown;
  outcome_.reason = unknown ? protocol::code_of(Reason::outcome_unknown) : reason;
  outcome_.code = error.code;
  outcome_.detail = error.for_log();
}

void ApiCall::not_ready(const consumer::NotReady& why) {
  const bool misconfigured = why.error.kind == ErrorKind::misconfigured;
  unanswered(why.error, protocol::code_of(misconfigured ? Reason::credential_unavailable
                                                        : Reason::token_unavailable));
  outcome_.retry_after = rounded_up(why.retry_after);
}

void ApiCall::refuse(std::string_view detail) {
  outcome_.kind = OutcomeKind::not_sent;
  outcome_.reason = protocol::code_of(Reason::request_malformed);
  outcome_.code = "client.bad_request";
  outcome_.detail = detail;
}

void ApiCall::give_up(std::string_view code, std::string_view detail) {
  const Error why = make_error(ErrorKind::cancelled, code, detail);
  if (outcome_.status == 0) {
    unanswered(why, "cancelled");
    return;
  }
  outcome_.body_state = BodyState::cut_off;
  outcome_.code = code;
  outcome_.detail = detail;
}

}  // namespace countersign::client
