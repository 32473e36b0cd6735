// HTTP/1.1 on the wire (RFC 9112): heads and chunked bodies, bytes in, message out. Pure: no I/O, no clock.
//
// Strict on purpose. Whatever two parsers could read in two ways is refused with 400 (or 431, 501, 505), because a
// gateway that forwards what it did not fully understand lets requests be smuggled past it. There is no lenient mode.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace countersign::http {

enum class ParseState {
  complete,    // `consumed` bytes made one head
  incomplete,  // valid so far as can be told; more bytes are needed
  refused,     // answer with `status` and close; `code` says why
};

struct ParseResult {
  ParseState state = ParseState::incomplete;
  size_t consumed = 0;
  int status = 0;         // refused only: 400, 414, 431, 501 or 505
  std::string_view code;  // refused only: a stable code, "http.content_length_and_transfer_encoding"
};

// Finds where a head ends without reading any byte twice, however slowly it arrives.
class HeadEnd final {
 public:
  // `buffer` holds all bytes of the head so far (those seen before and new ones). Gives the length of the head with its
  // empty line, or npos. Also stops at the first bare LF or bare CR line end, so that the parser can refuse it at once.
  size_t find(std::string_view buffer);
  void reset() { scanned_ = 0; }

 private:
  size_t scanned_ = 0;
};

// Parses the head at the start of `buffer`. `out` is overwritten (its vector keeps its capacity) and views into
// `buffer`. One empty line before a request line is passed over (RFC 9112 §2.2).
ParseResult parse_request_head(std::string_view buffer, const HeadLimits& limits, RequestHead& out);

// `request_method` decides about the body (RFC 9112 §6.3): none for HEAD, 1xx, 204, 304.
ParseResult parse_response_head(std::string_view buffer, std::string_view request_method, const HeadLimits& limits,
                                ResponseHead& out);

// Takes the chunked coding off (RFC 9112 §7.1). Trailer fields are parsed strictly and dropped.
class ChunkedDecoder final {
 public:
  enum class State {
    data,       // `data` is a piece of the body (a view into the input)
    need_more,  // all input is consumed, the body goes on
    end,        // the last chunk and the trailers are consumed
    refused,    // malformed: `code`
  };
  struct Step {
    State state = State::need_more;
    size_t consumed = 0;  // bytes of the input this step used up, those of `data` included
    std::string_view data;
    std::string_view code;
  };

  // Takes the next step from `input`; call again with the rest. After `end` or `refused`: reset() first.
  Step next(std::string_view input);
  void reset();

  // Chunk-ext bytes of one chunk; all trailer fields together. Nothing of ours uses either.
  static constexpr size_t extension_bytes_max = 256;
  static constexpr size_t trailer_bytes_max = 4096;

 private:
  enum class Phase : uint8_t;
  Phase phase_{};
  uint64_t remaining_ = 0;
  size_t line_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  int size_digits_ = 0;
  std::string trailer_line_;
};

// "1a\r\n"; the piece and "\r\n" follow. `bytes` > 0.
void append_chunk_header(std::string& out, size_t bytes);
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace countersign::http
