// Client: opens exchanges with one upstream. net/ implements it with a pool of connections; tests
// with memory.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/task.h"
#include "http/byte_stream.h"
#include "http/message.h"

namespace countersign::http {

// What is known about a request whose exchange failed (design §4.3).
enum class SendState {
  not_sent,  // no byte of it was given to the kernel: it can safely be repeated elsewhere
  unknown,   // bytes left, no final answer came: it may or may not have been processed
  answered,  // the head of a final answer arrived
};

class ClientExchange {
 public:
  // Gives the connection back for reuse if request and response are complete and the peer keeps it
  // alive; closes it otherwise.
  virtual ~ClientExchange() = default;

  // Begins the request: its line and framing are written; add fields, then send(). The connection's
  // own Host value is added unless the fields hold one.
  virtual HeadWriter& begin_request(std::string_view method, std::string_view target,
                                    BodyFraming framing) = 0;

  // Sends the head, if it has not left yet, and `piece` in one write where they fit. If the peer
  // begins to answer before the body is complete, sending stops (`sending_stopped()`), and
  // read_head() has the answer.
  virtual Task<Result<void>> send(std::string_view piece, bool last) = 0;
  virtual bool sending_stopped() const = 0;

  // The final response's head; 1xx are passed over. Valid until this exchange is destroyed. Errors
  // of all three: `http.upstream_timeout`, `http.upstream_lost`, `http.upstream_malformed`.
  virtual Task<Result<const ResponseHead*>> read_head() = 0;
  // The next piece of the response's body; empty means the end. Valid until the next read.
  virtual Task<Result<std::string_view>> read_body() = 0;

  // True if read_body() will not wait. Takes what has arrived already, and waits for nothing.
  virtual bool body_buffered() = 0;

  // Waits of this exchange end after this time with `http.upstream_timeout`. Starts as the open()'s
  // deadline.
  virtual void set_deadline(BootTime deadline) = 0;

  virtual SendState send_state() const = 0;
  // True if the connection had served an earlier exchange: the peer may have closed it just before.
  virtual bool reused_connection() const = 0;
  virtual const PeerInfo& peer() const = 0;
};

struct OpenOptions {
  BootTime deadline = BootTime::max();
  bool fresh_connection = false;  // never one that was used before: for what must not be sent twice
};

class Client {
 public:
  virtual ~Client() = default;
  // A connection to the upstream, from the pool or new. Errors: `net.resolve_failed`,
  // `net.connect_failed`, `net.tls_failed`, `http.upstream_timeout`, `net.too_many_connections`.
  virtual Task<Result<std::unique_ptr<ClientExchange>>> open(OpenOptions options) = 0;
};

// A whole small request and its whole answer, for token requests and health checks.
struct SimpleRequest {
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  size_t response_bytes_max = 64 * 1024;  // a longer answer is `http.response_too_large`
};
struct SimpleResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::string_view value(std::string_view name) const;  // first of this name, in any case, or empty
};
Task<Result<SimpleResponse>> fetch(Client& client, SimpleRequest request, BootTime deadline);

}  // namespace countersign::http
