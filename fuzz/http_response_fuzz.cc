// A response head must mean the same however it arrives. The first byte chooses the method it
// answers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "http/h1_codec.h"

namespace {

using namespace countersign;
using namespace countersign::http;

void require(bool holds, std::string_view what) {
  if (!holds) panic(what);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr std::array<std::string_view, 4> methods = {"GET", "HEAD", "POST", "OPTIONS"};
  const std::string_view method = methods[data[0] % methods.size()];
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const HeadLimits limits{.line_bytes_max = 512, .head_bytes_max = 2048, .fields_max = 32};
  ResponseHead head;
  const ParseResult whole = parse_response_head(input, method, limits, head);
  if (whole.state == ParseState::complete) {
    const bool no_body = method == "HEAD" || status_forbids_body(head.status);
    require(!no_body || head.framing.kind == BodyFraming::Kind::none, "a body where none can be");
    require(head.framing.kind != BodyFraming::Kind::until_close || !head.keep_alive,
            "a connection kept alive behind a body that ends with it");
  }
  ResponseHead again;
  for (size_t arrived = 0; arrived < input.size(); ++arrived) {
    const ParseResult result = parse_response_head(input.substr(0, arrived), method, limits, again);
    if (result.state == ParseState::incomplete) continue;
    require(result.state == whole.state && result.code == whole.code &&
                result.consumed == whole.consumed,
            "a head that arrives slowly means something else");
    break;
  }
  return 0;
}
