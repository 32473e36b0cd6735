// The server's side of one connection. HTTP/2 is h2_server_connection.h's, if its preface comes.
// HTTP/1.1: reads requests one after the other (pipelined ones
// too), makes an Exchange for each, calls the Service, keeps the connection or closes it. What is
// malformed is answered by the driver itself (a problem document, RFC 9457) and closes the
// connection.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "core/executor.h"
#include "core/task.h"
#include "http/byte_stream.h"
#include "http/message.h"
#include "http/service.h"

namespace countersign::http {

struct ServerLimits {
  HeadLimits head;
  std::chrono::milliseconds head_timeout{
      10'000};  // from the first byte of a request to the end of its head
  std::chrono::milliseconds body_timeout{30'000};  // between two pieces of a body, either way
  std::chrono::milliseconds idle_timeout{
      75'000};  // between two requests; longer than common clients keep theirs
  std::chrono::milliseconds exchange_timeout{
      300'000};  // from the first byte of a request to the last of its answer
  uint64_t body_bytes_max = 64 * 1024 * 1024;
  uint64_t requests_max = 0;  // per connection; 0: no limit
  size_t read_buffer_bytes =
      4096;            // grows up to head_bytes_max for a long head; given back while idle
  bool http2 = false;  // connections that begin with HTTP/2's preface speak it
  uint32_t http2_streams_max = 128;  // at once, of one connection

  friend bool operator==(const ServerLimits&, const ServerLimits&) = default;
};

// What the owner of many connections tells all of them. Set by any thread, read between requests.
struct ServerState {
  std::atomic<bool> draining =
      false;  // finish the request under way, answer with Connection: close, then close
};

// Serves the stream until it ends. All references outlive the Task. Closes the stream before it
// returns. To hurry idle connections while draining, the owner closes the streams whose `idle` is
// true.
struct ConnectionStatus {
  bool idle = true;  // waits for the first byte of a request
  // If not null, it is told of a drain in place of closing the stream. Only notes it: destroys
  // nothing.
  class DrainHook* on_drain = nullptr;
};
class DrainHook {
 public:
  virtual ~DrainHook() = default;
  virtual void begin_drain() = 0;
};
Task<void> serve_connection(ByteStream& stream, Service& service, Executor& executor,
                            const ServerLimits& limits, const ServerState& state,
                            ConnectionStatus& status);

}  // namespace countersign::http
