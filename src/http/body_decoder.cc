#include "http/body_decoder.h"

#include <algorithm>

namespace countersign::http {

void BodyDecoder::start(const BodyFraming& framing) {
  framing_ = framing;
  remaining_ = framing.kind == BodyFraming::Kind::length ? framing.length : 0;
  done_ = framing.kind == BodyFraming::Kind::none ||
          (framing.kind == BodyFraming::Kind::length && framing.length == 0);
  if (framing.kind == BodyFraming::Kind::chunked) chunked_.reset();
}

BodyDecoder::Step BodyDecoder::next(std::string_view input) {
  if (done_) return {State::end, 0, {}, {}};
  if (framing_.kind == BodyFraming::Kind::chunked) {
    const Step step = chunked_.next(input);
    done_ = step.state == State::end;
    return step;
  }
  if (input.empty()) return {State::need_more, 0, {}, {}};
  if (framing_.kind == BodyFraming::Kind::until_close) {
    return {State::data, input.size(), input, {}};
  }
  const std::string_view data = input.substr(0, std::min<uint64_t>(input.size(), remaining_));
  remaining_ -= data.size();
  done_ = remaining_ == 0;
  return {State::data, data.size(), data, {}};
}

bool BodyDecoder::end_of_stream() {
  if (framing_.kind == BodyFraming::Kind::until_close) done_ = true;
  return done_;
}

size_t BodyDecoder::remaining() const {
  if (done_) return 0;
  return framing_.kind == BodyFraming::Kind::length ? remaining_ : SIZE_MAX;
}

}  // namespace countersign::http
