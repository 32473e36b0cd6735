// The field section that requests and responses share (RFC 9112 §5), and what its framing fields
// mean. Internal to the codec: h1_request.cc and h1_response.cc.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1_codec.h"
#include "http/message.h"

namespace countersign::http::h1 {

inline ParseResult refuse(int status, std::string_view code) {
  return {ParseState::refused, 0, status, code};
}
inline ParseResult incomplete() {
  return {};
}
// What a check of one part gives when it found nothing wrong; only `refused` means something there.
inline ParseResult go_on() {
  return {};
}
inline ParseResult complete(size_t consumed) {
  return {ParseState::complete, consumed, 0, {}};
}

// "HTTP/1.1" or "HTTP/1.0" → the minor version. Refused: 505 for another version, 400 for what is
// none.
struct Version {
  int minor = -1;
  int status = 0;
};
Version parse_version(std::string_view text);

// What was seen of the fields that decide about the message itself.
struct FramingFields {
  size_t hosts = 0;
  std::string_view host;
  size_t content_lengths = 0;
  uint64_t content_length = 0;
  size_t transfer_encodings = 0;
  bool option_close = false;
  bool option_keep_alive = false;
  bool option_upgrade = false;
  size_t upgrades = 0;
  size_t expectations = 0;
  bool expects_continue = false;
};

// Parses field lines and the empty line at `buffer[from]`, fills head.fields and `seen`. `complete`
// gives the length of the whole head.
ParseResult parse_fields(std::string_view buffer, size_t from, const HeadLimits& limits, Head& head,
                         FramingFields& seen);

// RFC 9112 §6.1, §6.3: what is refused in requests and responses alike; sets head.keep_alive, and
// head.framing to length, chunked, or none if neither field is there.
ParseResult decide_framing(const FramingFields& seen, Head& head);

}  // namespace countersign::http::h1
