// Service: what answers requests. Exchange: one request and its answer, while they pass.
//
// The driver (server_connection.h, later HTTP/2) makes an Exchange for each request, one after the
// other on a connection, and calls serve(). Bodies are streamed: never whole in memory unless a
// service collects one by choice.

#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/task.h"
#include "http/byte_stream.h"
#include "http/message.h"

namespace countersign::http {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // Valid until serve() returns.
  virtual const RequestHead& request() const = 0;
  virtual const PeerInfo& peer() const = 0;
  virtual WallTime now() const = 0;

  // The next piece of the request's body; empty means the end. The view is valid until the next
  // read. The first call sends 100 Continue if the client waits for it. Errors:
  // `http.client_timeout`, `http.client_body_too_large`, `http.client_bad_chunk`,
  // `http.client_lost`.
  virtual Task<Result<std::string_view>> read_body() = 0;

  // Begins the final answer: status line and framing are written; add fields to the writer it
  // returns, then send(). Once per exchange (or after send() of an interim response).
  virtual HeadWriter& begin_response(int status, BodyFraming framing) = 0;
  // Sends the head, if it has not left yet, and `piece` in as few writes as possible. `last` ends
  // the body: exactly the announced bytes must have been given. For HEAD the pieces are counted but
  // not sent.
  virtual Task<Result<void>> send(std::string_view piece, bool last) = 0;

  // True once the head of the final answer has left: an error can then only close the connection.
  virtual bool response_started() const = 0;
  // After this answer the connection is closed, and says so.
  virtual void close_after_response() = 0;
  // After this answer the connection takes no further request: who is at its other end may not go
  // on. HTTP/2: requests under way end first.
  virtual void retire_connection() { close_after_response(); }
  // From outside of serve(), which may be waiting: ends the connection (HTTP/2: this stream) at
  // once. What waits on this exchange ends with `http.client_lost`.
  virtual void cut() { abort(); }
  // Ends the connection without an answer (or in the middle of one): the peer must see that it is
  // incomplete.
  virtual void abort() = 0;
};

class Service {
 public:
  virtual ~Service() = default;
  // Answers one request. Returning without a complete answer aborts the connection. Runs on the
  // thread of the connection; may be called for many connections at once.
  virtual Task<void> serve(Exchange& exchange) = 0;
};

// Begins an answer that originates here, not at an upstream: it carries the time at which it was
// made (RFC 9110 §6.6.1).
HeadWriter& begin_own_response(Exchange& exchange, int status, BodyFraming framing);

// A whole small answer of our own in one call. `fields` are added as they are.
Task<Result<void>> respond(Exchange& exchange, int status, std::string_view content_type,
                           std::string body, std::vector<Field> fields = {});

// The whole request body, at most `bytes_max` (else `http.client_body_too_large`).
Task<Result<std::string>> collect_body(Exchange& exchange, size_t bytes_max);

}  // namespace countersign::http
