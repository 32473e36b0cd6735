// What is around a call and does not decide about it: who makes it, which trace it belongs to, and
// where it is counted.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "consumer/egress/egress_counters.h"
#include "consumer/egress/trace_ids.h"
#include "http/byte_stream.h"
#include "http/message.h"
#include "protocol/trace_context.h"

namespace countersign::consumer {

class CallContext final {
 public:
  // All outlive it; `counters` and `ids` may be null: then nothing is counted, and no trace is
  // passed on or begun. A valid traceparent is continued with a parent id of this hop; otherwise a
  // trace begins here.
  CallContext(EgressCounters* counters, TraceIds* ids, const http::RequestHead& request,
              const http::PeerInfo& peer);
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  const http::PeerInfo& peer() const { return peer_; }
  // 32 hexadecimal digits, or empty.
  std::string_view trace_id() const { return trace_ ? trace_->trace_id() : std::string_view(); }
  // The trace's fields of an outgoing request.
  void add_trace(http::HeadWriter& writer) const;

  // The call is for this API; end() comes once for each begin().
  void begin(size_t api);
  void end(size_t api, const CallEnd& call);
  void count_problem(protocol::Reason reason);

 private:
  void take_tracestate(const http::RequestHead& request);

  EgressCounters* counters_;
  const http::PeerInfo& peer_;
  std::optional<protocol::TraceContext> trace_;
  std::string tracestate_;  // the caller's, if it is to be passed on
};

}  // namespace countersign::consumer
