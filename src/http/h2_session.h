// H2Session: the frames of one HTTP/2 connection, server's side (RFC 9113, RFC 7541): bytes in,
// events and bytes out. Pure: no I/O, no clock. The library behind it is seen in h2_session.cc
// only.
//
// Refuses by itself, as stream or connection errors: what breaks framing, HPACK, flow control or
// the pseudo-header rules; connection-specific fields; a content-length that does not fit; field
// names in upper case; frames in a row without end (CONTINUATION, acknowledgements). What a peer
// may do too often without breaking a rule is counted by the events' owner.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::http {

enum class H2Error : uint32_t {  // RFC 9113 §7
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  cancel = 8,
  enhance_your_calm = 11,
};

// What was received. Called from inside receive() and next_output(): they may note things, and call
// nothing of the session but consume_connection().
class H2Events {
 public:
  virtual ~H2Events() = default;
  // A request's head: its fields one by one, pseudo-header fields (":method") first. False: this
  // stream is not wanted and is refused.
  virtual bool head_begins(int32_t stream) = 0;
  virtual void field(int32_t stream, std::string_view name, std::string_view value) = 0;
  virtual void head_ends(int32_t stream) = 0;  // after request_ends() if there is no body
  virtual void data(int32_t stream, std::string_view bytes) = 0;
  // The peer will send nothing more on it.
  virtual void request_ends(int32_t stream) = 0;
  // Gone, with or without an answer. Comes once for each stream that began.
  virtual void stream_closed(int32_t stream) = 0;
  // The peer took a stream back; comes before stream_closed().
  virtual void stream_reset(int32_t stream) = 0;
  // A frame that moves nothing on: PING, SETTINGS, PRIORITY, an empty DATA.
  virtual void idle_frame() = 0;
  // The next bytes of the answer's body go into `out`; `last` if nothing follows them. 0 bytes and
  // not last: there is nothing yet, resume_answer() will tell.
  virtual size_t take_answer(int32_t stream, std::span<char> out, bool& last) = 0;
};

struct H2SessionOptions {
  uint32_t streams_max = 128;                     // at once
  uint32_t stream_window_bytes = 64 * 1024;       // of a body that was sent and not yet consumed
  uint32_t connection_window_bytes = 512 * 1024;  // the same of all streams together
  uint32_t head_bytes_max = 16 * 1024;            // told to the peer; the owner enforces it
};

// A field of an answer. The names are in lower case.
struct H2Field {
  std::span<char> name;
  std::span<char> value;
};

class H2Session final {
 public:
  // `events` outlives it. The first settings are among its first output.
  H2Session(H2Events& events, const H2SessionOptions& options);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // False: the connection is over; next_output() has what the peer is told about it.
  bool receive(std::string_view bytes);
  // The next bytes to send, as long as they are not empty. Valid until the next call of anything.
  std::string_view next_output();

  // An answer's head. `ends`: there is no body; otherwise take_answer() is asked for it.
  void submit_head(int32_t stream, int status, std::vector<H2Field> fields, bool ends);
  void submit_continue(int32_t stream);  // 100
  void resume_answer(int32_t stream);
  void reset(int32_t stream, H2Error error);
  // So much of the body is used up: the peer may send as much again.
  void consume(int32_t stream, size_t bytes);
  // The same of a stream that is gone.
  void consume_connection(size_t bytes);

  // No new streams; those under way go on.
  void begin_go_away();
  // No new streams, and the connection is over when its output has left.
  void go_away(H2Error error);

  // The peer broke the connection's rules and was told so: what it still sends is not read.
  bool refuses_input() const;
  // Nothing can come and nothing is left to send.
  bool over() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// RFC 9113 §3.4: what a client that knows sends first.
inline constexpr std::string_view h2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Whether a connection that began with these bytes speaks HTTP/2.
enum class PrefaceMatch { no, maybe, yes };
constexpr PrefaceMatch match_h2_preface(std::string_view received) {
  if (received.starts_with(h2_preface)) return PrefaceMatch::yes;
  return h2_preface.starts_with(received) ? PrefaceMatch::maybe : PrefaceMatch::no;
}

}  // namespace countersign::http
