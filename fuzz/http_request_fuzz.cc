// A request head must mean the same however it arrives, and the same again after it was written
// anew: what a gateway forwards is what it decided about.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "http/h1_codec.h"

namespace {

using namespace countersign;
using namespace countersign::http;

void require(bool holds, std::string_view what) {
  if (!holds) panic(what);
}

// Byte by byte, as a driver does it: the parser is only asked when HeadEnd says so.
void check_slow_arrival(std::string_view input, const HeadLimits& limits,
                        const ParseResult& whole) {
  HeadEnd end;
  RequestHead head;
  for (size_t arrived = 1; arrived <= input.size(); ++arrived) {
    if (end.find(input.substr(0, arrived)) == std::string_view::npos) continue;
    const ParseResult result = parse_request_head(input.substr(0, arrived), limits, head);
    require(result.state != ParseState::incomplete, "the parser waits behind the end of a head");
    require(result.state == whole.state && result.code == whole.code &&
                result.consumed == whole.consumed,
            "a head that arrives slowly means something else");
    return;
  }
  require(whole.state != ParseState::complete, "HeadEnd overlooked the end of a head");
}

void check_rewritten(const RequestHead& head) {
  std::string text;
  HeadWriter writer(text);
  writer.request_line(head.method, head.origin_form);
  for (const Field& field : head.fields) {
    if (head.is_hop_by_hop(field.name) || field.name.size() == 14) continue;
    writer.field(field.name, field.value);
  }
  if (head.find("host") == nullptr) writer.field("Host", "a");
  writer.framing(head.framing, /*is_request=*/true);
  require(writer.finish().has_value(), "what was parsed cannot be written");
  RequestHead again;
  const HeadLimits generous{
      .line_bytes_max = 1 << 20, .head_bytes_max = 1 << 21, .fields_max = 1000};
  // An absolute-form target in HTTP/1.0 needs no Host, so that an expectation or a method may still
  // be refused for what 1.1 asks for; everything else is the same.
  const ParseResult result = parse_request_head(text, generous, again);
  require(result.state == ParseState::complete && result.consumed == text.size(),
          "what was written is not one head");
  require(again.method == head.method && again.origin_form == head.origin_form &&
              again.path == head.path && again.query == head.query,
          "the request line changed its meaning");
  require(again.framing.kind == head.framing.kind && again.framing.length == head.framing.length,
          "the body changed its length");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const HeadLimits limits{.line_bytes_max = 512, .head_bytes_max = 2048, .fields_max = 32};
  RequestHead head;
  const ParseResult whole = parse_request_head(input, limits, head);
  require(whole.state != ParseState::refused || (whole.status >= 400 && !whole.code.empty()),
          "a refusal without a reason");
  require(whole.state != ParseState::incomplete || size < limits.head_bytes_max, "an endless head");
  if (whole.state == ParseState::complete) check_rewritten(head);
  check_slow_arrival(input.substr(0, limits.head_bytes_max), limits, whole);
  return 0;
}
