#include "consumer/egress/call_context.h"

#include "core/ascii.h"

namespace countersign::consumer {
namespace {

using protocol::TraceContext;
using protocol::traceparent_field;
using protocol::tracestate_field;

// Two of them contradict each other: neither counts.
std::optional<TraceContext> trace_of(const http::RequestHead& request) {
  const http::Field* field = request.find(traceparent_field);
  if (!field || request.count(traceparent_field) != 1) return std::nullopt;
  return TraceContext::parse(field->value);
}

}  // namespace

CallContext::CallContext(EgressCounters* counters, TraceIds* ids, const http::RequestHead& request,
                         const http::PeerInfo& peer)
    : counters_(counters), peer_(peer) {
  if (!ids) return;
  if (const auto received = trace_of(request)) {
    trace_ = received->next(ids->next());
    take_tracestate(request);
  } else {
    trace_ = TraceContext::start(ids->next());
  }
}

void CallContext::take_tracestate(const http::RequestHead& request) {
  for (const http::Field& field : request.fields) {
    if (!ascii::equal_ignoring_case(field.name, tracestate_field)) continue;
    if (!tracestate_.empty()) tracestate_ += ',';
    tracestate_ += field.value;
  }
  if (!protocol::is_tracestate(tracestate_)) tracestate_.clear();
}

void CallContext::add_trace(http::HeadWriter& writer) const {
  if (!trace_) return;
  writer.field(traceparent_field, trace_->text());
  if (!tracestate_.empty()) writer.field(tracestate_field, tracestate_);
}

void CallContext::begin(size_t api) {
  if (counters_) ++counters_->apis[api].in_flight;
}

void CallContext::end(size_t api, const CallEnd& call) {
  if (!counters_) return;
  --counters_->apis[api].in_flight;
  counters_->apis[api].end(call);
}

void CallContext::count_problem(protocol::Reason reason) {
  if (counters_) ++counters_->problems[static_cast<size_t>(reason)];
}

}  // namespace countersign::consumer
