#include "consumer/egress/head_trace.h"

#include "core/ascii.h"
#include "core/json.h"

namespace countersign::consumer {
namespace {

void append_item(std::string& out, std::string_view text) {
  out += ',';
  append_json_string(out, text);
}

bool is_rewritten(std::string_view name) {
  return ascii::equal_ignoring_case(name, "content-length") ||
         ascii::equal_ignoring_case(name, "host") || ascii::equal_ignoring_case(name, "expect");
}

}  // namespace

std::string trace_line(const TracedHead& traced, const http::RequestHead& request,
                       const FieldFilter& filter, const Attached& attached,
                       const ProcessScheme& scheme) {
  std::string line = "{\"trace\":\"request_head\",\"api\":";
  append_json_string(line, traced.api);
  line.append(",\"attempt\":").append(std::to_string(traced.attempt)).append(",\"head\":[");
  const size_t mark = traced.target.find('?');
  std::string first(request.method);
  first.append(1, ' ').append(traced.target.substr(0, mark));
  if (mark != std::string_view::npos) first.append("?…");
  append_json_string(line, first.append(" HTTP/1.1"));
  for (const http::Field& field : request.fields) {
    if (is_rewritten(field.name) || request.is_hop_by_hop(field.name)) continue;
    if (!filter.request_passes(field.name)) continue;
    append_item(line, std::string(field.name).append(": ").append(field.value));
  }
  append_item(
      line,
      std::string(attached.field_name).append(": ").append(scheme.redacted(attached.field_value)));
  return line.append("]}");
}

}  // namespace countersign::consumer
