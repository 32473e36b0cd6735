// Whatever a caller sends as traceparent and tracestate: what is accepted is written again in the
// one form there is, and reading that gives the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/message.h"
#include "protocol/trace_context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using countersign::protocol::TraceContext;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto context = TraceContext::parse(input)) {
    const auto again = TraceContext::parse(context->text());
    if (!again || again->text() != context->text()) std::abort();
    if (context->trace_id() != input.substr(3, 32)) std::abort();
    if (TraceContext::parse(context->next({}).text())->trace_id() != context->trace_id())
      std::abort();
  }
  // What passes can stand in a field and is short.
  if (countersign::protocol::is_tracestate(input) &&
      (!countersign::http::is_field_value(input) || input.size() > 512)) {
    std::abort();
  }
  return 0;
}
