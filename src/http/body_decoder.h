// The body of one message, taken out of the bytes that follow its head, whatever its framing. Pure.

#pragma once

#include "http/h1_codec.h"
#include "http/message.h"

namespace countersign::http {

class BodyDecoder final {
 public:
  using Step = ChunkedDecoder::Step;
  using State = ChunkedDecoder::State;

  void start(const BodyFraming& framing);

  // As ChunkedDecoder::next. With a length, `end` can be known together with the last data: see
  // done().
  Step next(std::string_view input);
  // The peer ended its stream. True if the body is complete thereby.
  bool end_of_stream();

  bool done() const { return done_; }
  // Bytes still to come, if the framing tells; else SIZE_MAX.
  size_t remaining() const;

 private:
  BodyFraming framing_;
  uint64_t remaining_ = 0;
  bool done_ = true;
  ChunkedDecoder chunked_;
};

}  // namespace countersign::http
