#include "consumer/egress/egress_call.h"

#include <utility>

#include "consumer/egress/egress_target.h"
#include "consumer/egress/head_trace.h"
#include "consumer/idempotency_key.h"

namespace countersign::consumer {
namespace {

using protocol::Reason;

bool is_callers_fault(const Error& error) {
  return error.code.starts_with("http.client_");
}

Reason reason_of_callers_fault(const Error& error) {
  return error.kind == ErrorKind::too_large ? Reason::body_too_large : Reason::request_malformed;
}

// RFC 9110 §15.5.9: the caller did not send its body in time.
constexpr int request_timeout = 408;
constexpr int gateway_timeout = 504;
constexpr int bad_gateway = 502;

EgressProblem with_callers_fault(EgressProblem problem, const Error& error) {
  problem.reason = reason_of_callers_fault(error);
  if (error.kind == ErrorKind::timed_out) problem.status = request_timeout;
  return problem;
}

// A connection that could not be made is worth another try soon, and not at once.
constexpr std::chrono::seconds retry_after_no_connection{1};

const CallRule& default_rule() {
  static const CallRule rule;
  return rule;
}

}  // namespace

EgressService::Call::Call(EgressService& service, const http::Exchange& exchange)
    : service_(service),
      request_(exchange.request()),
      context_(service.parts_.counters, service.trace_ids(), request_, exchange.peer()),
      began_(service.now()),
      api_(service.api_for(request_)),
      target_(find_target()),
      rule_(find_rule()),
      deadline_(find_deadline()),
      progress_(rule_, api_ ? api_->policy : nullptr,
                {.is_safe = request_.is_safe(), .has_key = false, .deadline = deadline_}) {
  if (api_) context_.begin(api_->number);
}

EgressService::Call::~Call() {
  end_entry();  // given up half-way: what is known is recorded
  const BootClock::duration duration = service_.loop_.now() - began_.boot;
  if (api_) {
    context_.end(api_->number, {.method = request_.method,
                                .status = status_,
                                .outcome = outcome(),
                                .attempts = attempts(),
                                .duration = duration});
  }
  if (!service_.log_.enabled()) return;
  const std::string caller = caller_name(context_.peer());
  service_.log_.append({.time = began_.wall,
                        .api = api_ ? std::string_view(api_->options.name) : std::string_view(),
                        .scheme = api_ ? std::string_view(api_->scheme_name) : std::string_view(),
                        .method = request_.method,
                        .path = request_.path,
                        .status = status_,
                        .outcome = outcome(),
                        .attempts = attempts(),
                        .duration = duration,
                        .request_bytes = request_bytes_,
                        .response_bytes = response_bytes_,
                        .idempotency_key = key_,
                        .caller = caller,
                        .trace_id = context_.trace_id(),
                        .decision_id = decision_id_ ? decision_id_->text() : std::string_view(),
                        .code = code_,
                        .detail = detail_});
}

std::string_view EgressService::Call::find_target() {
  if (!api_) return {};
  const size_t stripped = api_->options.strip_prefix ? api_->options.path_prefix.size() : 0;
  return outgoing_target(request_, stripped, target_storage_);
}

BootTime EgressService::Call::find_deadline() const {
  if (!api_) return BootTime::max();
  return began_.boot + rule_.deadline.value_or(api_->options.deadline);
}

const CallRule& EgressService::Call::find_rule() const {
  if (!api_ || !api_->policy) return default_rule();
  api_->policy->budget().count_call();
  return api_->policy->rule_for(request_.method, target_.substr(0, target_.find('?')));
}

std::optional<EgressProblem> EgressService::Call::refusal() {
  if (const auto reason = service_.refusal_of(request_, api_, context_.peer()))
    return EgressProblem{.reason = *reason};
  auto problem = request_.is_safe() ? std::nullopt : choose_key();
  if (!key_.empty()) progress_.note_key();
  return problem;
}

// A caller's own key always wins. One that cannot protect the call is refused where the egress
// answers for keys, and passes as it is elsewhere.
std::optional<EgressProblem> EgressService::Call::choose_key() {
  const size_t count = request_.count(idempotency_key_field);
  if (count == 0) {
    if (!rule_.add_idempotency_key || !api_->policy) return std::nullopt;
    added_key_ = make_idempotency_key(api_->policy->entropy());
    key_ = added_key_;
    return std::nullopt;
  }
  const std::string_view given = request_.value(idempotency_key_field);
  // A key that a Connection option removes on the way protects nothing.
  if (count == 1 && is_idempotency_key(given) && !request_.is_hop_by_hop(idempotency_key_field)) {
    key_ = given;
  } else if (rule_.add_idempotency_key || is_journalled()) {
    return EgressProblem{.reason = Reason::idempotency_key_invalid};
  }
  return std::nullopt;
}

bool EgressService::Call::attach() {
  return api_->scheme->attach(service_.now(), attached_);
}

EgressProblem EgressService::Call::unanswered(Reason reason, bool sent,
                                              std::string_view code) const {
  const CallOutcome outcome = progress_.outcome_unanswered(sent);
  return {.reason = outcome == CallOutcome::unknown ? Reason::outcome_unknown : reason,
          .outcome = outcome,
          .attempts = attempts(),
          .code = std::string(code),
          .added_key = added_key_};
}

EgressProblem EgressService::Call::not_ready(const NotReady& why) const {
  const bool misconfigured = why.error.kind == ErrorKind::misconfigured;
  const Reason reason = misconfigured ? Reason::credential_unavailable : Reason::token_unavailable;
  EgressProblem problem = unanswered(reason, /*sent=*/false, why.error.code);
  problem.detail_for_log = why.error.for_log();
  problem.retry_after = why.retry_after;
  return problem;
}

EgressProblem EgressService::Call::not_opened(const Error& error) const {
  EgressProblem problem = unanswered(Reason::upstream_unavailable, /*sent=*/false, error.code);
  problem.detail_for_log = error.for_log();
  problem.status = error.kind == ErrorKind::timed_out ? gateway_timeout : bad_gateway;
  problem.retry_after = retry_after_no_connection;
  return problem;
}

void EgressService::Call::begin_attempt() {
  progress_.begin_attempt();
  if (!service_.options_.trace_heads || !service_.log_.enabled()) return;
  service_.log_.append_line(
      trace_line({.api = api_->options.name, .attempt = attempts(), .target = target_}, request_,
                 service_.filter_, attached_, *api_->process_scheme));
}

EgressProblem EgressService::Call::failed(const Error& error,
                                          const http::ClientExchange& upstream) const {
  const bool sent = upstream.send_state() != http::SendState::not_sent;
  EgressProblem problem = unanswered(Reason::upstream_unavailable, sent, error.code);
  problem.detail_for_log = error.for_log();
  if (is_callers_fault(error)) return with_callers_fault(std::move(problem), error);
  problem.status = error.kind == ErrorKind::timed_out ? gateway_timeout : bad_gateway;
  return problem;
}

EgressProblem EgressService::Call::body_not_read(const Error& error) const {
  EgressProblem problem = unanswered(Reason::request_malformed, /*sent=*/false, error.code);
  problem.detail_for_log = error.for_log();
  return with_callers_fault(std::move(problem), error);
}

bool EgressService::Call::may_repeat_failed(const Error& error,
                                            const http::ClientExchange& upstream,
                                            const http::RelayBody& body) {
  return !is_callers_fault(error) &&
         progress_.may_repeat_failed(error, upstream, body.can_rewind(), service_.loop_.now());
}

void EgressService::Call::answered(const http::ResponseHead& head) {
  progress_.answered(head);
  status_ = head.status;
  decision_id_ = protocol::DecisionId::parse(head.value(protocol::decision_id_field));
  if (head.status >= 400) [[unlikely]] {
    const auto reason = protocol::parse_reason(head.value("Countersign-Reason"));
    if (reason) code_ = protocol::code_of(*reason);
  }
  end_entry();
}

void EgressService::Call::refused(const EgressProblem& problem) {
  context_.count_problem(problem.reason);
  status_ = status_of(problem);
  progress_.ended(problem.outcome);
  code_ = problem.code.empty() ? std::string(protocol::code_of(problem.reason)) : problem.code;
  detail_ = problem.detail_for_log;
  end_entry();
}

void EgressService::Call::finished(uint64_t request_bytes, const Result<uint64_t>& response_bytes) {
  request_bytes_ = request_bytes;
  if (response_bytes) {
    response_bytes_ = *response_bytes;
  } else {
    code_ = response_bytes.error().code;
    detail_ = response_bytes.error().for_log();
  }
}

}  // namespace countersign::consumer
