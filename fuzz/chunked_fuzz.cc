// A chunked body must decode to the same bytes however it arrives, and to the same again after it
// was written anew.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "http/h1_codec.h"

namespace {

using namespace countersign;
using namespace countersign::http;

struct Outcome {
  ChunkedDecoder::State state = ChunkedDecoder::State::need_more;
  std::string body;
  size_t consumed = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view input, size_t piece_bytes) {
  ChunkedDecoder decoder;
  Outcome outcome;
  for (size_t arrived = 0; arrived < input.size();) {
    arrived = std::min(input.size(), arrived + piece_bytes);
    while (outcome.consumed <= arrived) {
      const auto step = decoder.next(input.substr(outcome.consumed, arrived - outcome.consumed));
      outcome.state = step.state;
      outcome.consumed += step.consumed;
      outcome.body += step.data;
      if (step.state == ChunkedDecoder::State::need_more) break;
      if (step.state != ChunkedDecoder::State::data) return outcome;
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Outcome whole = decode(input, input.size() + 1);
  if (whole.body.size() > input.size()) panic("a body longer than its coding");
  for (const size_t piece : {size_t{1}, size_t{7}}) {
    const Outcome slow = decode(input, piece);
    // A data step at the very end of the input leaves another state behind than one byte more
    // would.
    if (slow.body != whole.body || slow.consumed != whole.consumed)
      panic("a body that arrives slowly is another one");
    if ((slow.state == ChunkedDecoder::State::refused) !=
        (whole.state == ChunkedDecoder::State::refused)) {
      panic("a body is refused only if it arrives slowly");
    }
  }
  std::string again;
  if (!whole.body.empty()) {
    append_chunk_header(again, whole.body.size());
    again += whole.body;
    again += chunk_end;
  }
  again += last_chunk;
  if (const Outcome back = decode(again, again.size());
      back.state != ChunkedDecoder::State::end || back.body != whole.body) {
    panic("what was written is not what was read");
  }
  return 0;
}
