// Forwarding an exchange to an upstream, streamed both ways with bounded memory: what egress and
// gateway share. Hop-by-hop fields never pass, in either direction; what else passes or is added is
// the caller's policy.

#pragma once

#include <string>
#include <string_view>

#include "http/client.h"
#include "http/service.h"

namespace countersign::http {

// The body of the request being relayed. Keeps the pieces it hands out while they fit into
// `keep_bytes_max`, so that the request can be sent once more (after a refused token, never after
// an unknown outcome).
class RelayBody final {
 public:
  RelayBody(Exchange& exchange, size_t keep_bytes_max)
      : exchange_(exchange), keep_max_(keep_bytes_max) {}
  ~RelayBody();
  RelayBody(const RelayBody&) = delete;
  RelayBody& operator=(const RelayBody&) = delete;

  struct Piece {
    std::string_view data;  // valid until the next call
    bool last = false;
  };
  Task<Result<Piece>> next();

  // The whole body, before any of it is sent; next() then begins at its first byte. Valid until
  // next() has passed the end. `http.client_body_too_large` if it is longer than `bytes_max` or
  // than what is kept, without reading where its length says so.
  Task<Result<std::string_view>> read_ahead(size_t bytes_max);

  // True if all that was handed out is still here.
  bool can_rewind() const { return kept_all_; }
  void rewind();
  uint64_t bytes() const { return bytes_; }

 private:
  Exchange& exchange_;
  size_t keep_max_;
  std::string kept_;  // scratch, once there is something to keep
  bool holds_scratch_ = false;
  bool kept_all_ = true;
  bool replaying_ = false;
  bool source_ended_ = false;
  uint64_t bytes_ = 0;
};

// Which fields pass and which are added. Called once per message.
class RelayFields {
 public:
  virtual ~RelayFields() = default;
  // Not asked for hop-by-hop and framing fields: those never pass. Content-Length and
  // Transfer-Encoding are written anew.
  virtual bool passes(const Field& field) const = 0;
  virtual void add(HeadWriter& writer) const = 0;
};

// Sends request line, fields and body to `upstream` and waits for the head of its final answer. The
// result is valid as long as `upstream`. On error, upstream.send_state() says whether the request
// may have been processed; the error code tells whose fault it was: "http.client_…" for the side of
// `exchange`, anything else for the upstream's.
Task<Result<const ResponseHead*>> relay_request(Exchange& exchange, RelayBody& body,
                                                ClientExchange& upstream, std::string_view target,
                                                const RelayFields& fields);

// Sends the answer on. An upstream that breaks off in the middle makes the client's answer
// incomplete too (aborted), never falsely complete. Gives the number of body bytes sent.
Task<Result<uint64_t>> relay_response(const ResponseHead& head, ClientExchange& upstream,
                                      Exchange& exchange, const RelayFields& fields);

}  // namespace countersign::http
