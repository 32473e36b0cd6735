// The client's side of one HTTP/1.1 connection. Its owner (net's pool, or a test) opens one
// exchange at a time on it and is told when the exchange is over.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/executor.h"
#include "http/byte_stream.h"
#include "http/client.h"
#include "http/h1_codec.h"

namespace countersign::http {

struct ClientLimits {
  HeadLimits head;
  size_t read_buffer_bytes = 16 * 1024;  // one TLS record
  int interim_responses_max = 8;         // 1xx before the final answer
};

class ClientConnection final {
 public:
  // `authority` is the Host value of requests that do not set one. The stream is connected (and its
  // handshake done).
  ClientConnection(std::unique_ptr<ByteStream> stream, std::string authority, ClientLimits limits);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Starts an exchange; there must be none under way. When it is destroyed, `finished(reusable)` is
  // called once: a connection that is not reusable is already closed. `finished` may destroy this
  // connection.
  std::unique_ptr<ClientExchange> start(BootTime deadline,
                                        std::function<void(bool reusable)> finished);

  // Idle, kept alive, and the peer neither closed it nor sent anything. Makes no system call.
  bool reusable() const;
  uint64_t exchanges() const;
  ByteStream& stream();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::http
