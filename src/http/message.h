// HTTP messages (RFC 9110): heads as parsed, with views into the buffer they were parsed from, and
// the writer that makes new ones.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace countersign::http {

// One field line. The name as it came (compare with ascii::equal_ignoring_case), the value without
// surrounding white space. Both are validated: name a token, value free of control bytes.
struct Field {
  std::string_view name;
  std::string_view value;
};

// How long a body is (RFC 9112 §6).
struct BodyFraming {
  enum class Kind {
    none,         // no body at all
    length,       // exactly `length` bytes
    chunked,      // until the last chunk
    until_close,  // responses only: until the peer ends the stream
  };
  Kind kind = Kind::none;
  uint64_t length = 0;

  static BodyFraming of_length(uint64_t bytes) {
    return {bytes == 0 ? Kind::none : Kind::length, bytes};
  }
};

// What requests and responses share.
struct Head {
  int minor_version = 1;  // HTTP/1.0 or 1.1
  std::vector<Field> fields;
  BodyFraming framing;
  bool keep_alive = true;  // RFC 9112 §9.3
  // A Connection option other than close, keep-alive and upgrade was given: is_hop_by_hop() must
  // look at them.
  bool connection_names_fields = false;

  // The first field of this name, in any case; null if there is none.
  const Field* find(std::string_view name) const;
  // Its value, or empty.
  std::string_view value(std::string_view name) const;
  size_t count(std::string_view name) const;
  // True if a Connection option names this field or it is hop-by-hop by definition (RFC 9110
  // §7.6.1). Trailer counts as hop-by-hop, because trailers are never passed on; so do the Proxy-…
  // fields.
  bool is_hop_by_hop(std::string_view name) const;
};

// Views live as long as the buffer the head was parsed from: one exchange.
struct RequestHead : Head {
  std::string_view method;
  std::string_view target;  // as sent: "/v1/payments?limit=10"; may be in absolute-form
  std::string_view
      origin_form;         // path and query in one, whatever form the target had: what is sent on
  std::string_view path;   // without the query; begins with '/', or is "*" for OPTIONS
  std::string_view query;  // without the '?'; empty if there is none
  std::string_view authority;  // Host, or that of an absolute-form target (they are equal)
  bool expect_continue = false;
  bool upgrade = false;  // asks for another protocol; the driver never switches by itself

  bool is_safe() const { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }
};

struct ResponseHead : Head {
  int status = 0;
  // What the fields say of the body. Differs from `framing` where none follows all the same (HEAD,
  // 304): it is what begin_response() wants, so that the other side hears of the length too.
  BodyFraming announced;
  std::string_view reason;
};

// What a peer may make us hold before its message is understood.
struct HeadLimits {
  size_t line_bytes_max = 8 * 1024;   // request line: RFC 9112 §3 asks for at least 8000
  size_t head_bytes_max = 16 * 1024;  // whole head: tokens of 8 KiB fit beside ordinary fields
  size_t fields_max = 100;

  friend bool operator==(const HeadLimits&, const HeadLimits&) = default;
};

// Writes a head into one buffer. Names and values are checked as they are added: one that could
// split the message is replaced by nothing and remembered, and finish() refuses. Framing and
// Connection fields are written by the driver, never by its users; Content-Length and
// Transfer-Encoding only through framing(): field() refuses them.
class HeadWriter final {
 public:
  // The buffer is appended to; it outlives the writer.
  explicit HeadWriter(std::string& out) : out_(&out) {}

  // `target` in origin-form or "*".
  void request_line(std::string_view method, std::string_view target);
  void status_line(int status);  // 100 to 599, with the standard reason phrase
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, uint64_t value);
  // Once, after the first line, whose method or status it goes by (RFC 9110 §8.6, RFC 9112 §6):
  //   length       Content-Length: n, zero included
  //   chunked      Transfer-Encoding: chunked
  //   none         a request: Content-Length: 0 for POST, PUT and PATCH, nothing for other methods;
  //   a response:
  //                Content-Length: 0, or nothing for 1xx, 204 and 304
  //   until_close  nothing, and responses only
  // A 1xx or 204 with a body is refused. For HEAD and 304 the driver passes the framing that a
  // GET's answer would have.
  void framing(const BodyFraming& framing, bool is_request);
  // The empty line. `http.bad_field` if anything was refused: then nothing may be sent.
  Result<void> finish();

 private:
  void put(std::string_view name, std::string_view value);

  std::string* out_;
  int status_ = 0;
  bool method_carries_body_ = false;
  bool refused_ = false;
};

// RFC 9110 §15; "Unknown" for a status without one.
std::string_view reason_phrase(int status);
// RFC 9110 §6.4.1, RFC 9112 §6.3: these never have a body.
constexpr bool status_forbids_body(int status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}
bool is_token(std::string_view text);        // RFC 9110 §5.6.2
bool is_field_value(std::string_view text);  // visible ASCII, obs-text, inner spaces and tabs

}  // namespace countersign::http
