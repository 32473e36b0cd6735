// HTTP/1.1 on the wire (RFC 9112): heads and chunked bodies, bytes in, message out. Pure: no I/O,
// no clock.
//
// Strict on purpose. Whatever two parsers could read in two ways is refused with 400 (or 414, 431,
// 501, 505), because a gateway that forwards what it did not fully understand lets requests be
// smuggled past it. There is no lenient mode.

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
  int status = 0;  // refused only: 400, 414, 417, 431, 501 or 505
  std::string_view
      code;  // refused only: a stable code, "http.content_length_and_transfer_encoding"
};

// Finds where a head ends without reading any byte twice, however slowly it arrives.
class HeadEnd final {
 public:
  // `buffer` holds all bytes of the head so far (those seen before and new ones). Gives the length
  // of the head with its empty line, or npos. Also stops behind the first bare CR or LF: a parser
  // given that many bytes never says `incomplete`. A buffer may only grow between calls; reset()
  // before another head.
  size_t find(std::string_view buffer);
  void reset() { scanned_ = 0; }

 private:
  size_t scanned_ = 0;
};

// Parses the head at the start of `buffer`, which may hold more (a body, the next request). `out`
// is overwritten (its vector keeps its capacity), views into `buffer`, and is only to be used when
// `complete`. One empty line before a request line is passed over (RFC 9112 §2.2). A parse begins
// anew each time: try it on what the first read brought, and on `incomplete` wait for HeadEnd
// before the next try. Over-long heads are refused before they are complete, if the parser is
// called with head_bytes_max bytes or more.
ParseResult parse_request_head(std::string_view buffer, const HeadLimits& limits, RequestHead& out);

// `request_method` decides about the body (RFC 9112 §6.3): none for HEAD, 1xx, 204, 304. A 101 is
// given as it is: whoever did not ask to switch protocols must treat it as an error. `status` of a
// refusal is 400 or 431 and only for the log.
ParseResult parse_response_head(std::string_view buffer, std::string_view request_method,
                                const HeadLimits& limits, ResponseHead& out);

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

  // Takes the next step from `input`; call again with the rest. After `end`: reset() first. A
  // refused body stays so.
  Step next(std::string_view input);
  void reset();

  // Chunk-ext bytes of one chunk; all trailer fields together. Nothing of ours uses either.
  static constexpr size_t extension_bytes_max = 256;
  static constexpr size_t trailer_bytes_max = 4096;

 private:
  enum class Phase : uint8_t {
    size,              // hexadecimal digits
    extension,         // behind ';'
    extension_name,    // at least one byte of it is read
    extension_equals,  // behind '='
    extension_token,
    extension_quoted,
    extension_escaped,  // behind a backslash in a quoted string
    extension_ended,    // behind a closing quote
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,  // at the beginning of a line
    trailer_name,
    trailer_value,
    trailer_lf,
    final_lf,
    ended,
  };
  // The phase after this byte; refuse() if there is none.
  Phase step_size_line(char c);
  Phase step_extension(char c);
  Phase step_trailer(char c);
  Phase step(char c);
  Phase refuse(std::string_view code);

  Phase phase_ = Phase::size;
  uint64_t remaining_ = 0;
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  int size_digits_ = 0;
  std::string_view refusal_;
};

// "1a\r\n"; the piece and "\r\n" follow. `bytes` > 0.
void append_chunk_header(std::string& out, size_t bytes);
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace countersign::http
