// One request and its answer on an HTTP/1.1 server connection. Made once per connection and begun
// anew for each request; server_connection.cc drives it.

#pragma once

#include <string>

#include "core/executor.h"
#include "http/body_decoder.h"
#include "http/read_buffer.h"
#include "http/server_connection.h"
#include "http/service.h"

namespace countersign::http {

class H1ServerExchange final : public Exchange {
 public:
  H1ServerExchange(ByteStream& stream, Executor& executor, const ServerLimits& limits,
                   ReadBuffer& in)
      : stream_(stream), executor_(executor), limits_(limits), in_(in), writer_(out_) {}
  ~H1ServerExchange() override;

  // The head that begin() is about to use: the parser fills it.
  RequestHead& head() { return head_; }
  // A request's head is parsed and pinned in the read buffer. `deadline` is that of the whole
  // exchange.
  void begin(BootTime deadline, bool draining);
  // The answer is complete and so is the request: another may follow.
  bool reusable() const;
  bool answered() const { return response_ended_; }
  bool request_complete() const { return decoder_.done(); }
  // Reads and drops the rest of a small request body. False if that is not worth it: the connection
  // must close.
  Task<bool> drain_request();
  // Gives the memory of the answer back.
  void end();

  const RequestHead& request() const override { return head_; }
  const PeerInfo& peer() const override { return stream_.peer(); }
  WallTime now() const override { return executor_.wall_now(); }
  Task<Result<std::string_view>> read_body() override;
  HeadWriter& begin_response(int status, BodyFraming framing) override;
  Task<Result<void>> send(std::string_view piece, bool last) override;
  bool response_started() const override { return head_sent_; }
  void close_after_response() override { keep_alive_ = false; }
  void cut() override {
    abort();
    stream_.close();
  }
  void abort() override;

 private:
  void wait_limit();
  Result<void> finish_head();
  bool length_fits(bool last) const;
  void append_piece(std::string_view piece, bool last);
  Task<Result<void>> flush(std::string_view bytes);
  Task<Result<void>> send_continue();

  ByteStream& stream_;
  Executor& executor_;
  const ServerLimits& limits_;
  ReadBuffer& in_;
  RequestHead head_;
  BodyDecoder decoder_;
  std::string out_;
  bool holds_scratch_ = false;  // out_ is one
  HeadWriter writer_;
  BodyFraming framing_;
  BootTime deadline_{};
  uint64_t body_received_ = 0;
  uint64_t body_sent_ = 0;
  bool continue_due_ = false;
  bool keep_alive_ = true;
  bool bodiless_ =
      false;  // HEAD, or a status without a body: framing is announced, pieces are not sent
  bool response_begun_ = false;
  bool head_sent_ = false;
  bool response_ended_ = false;
  bool aborted_ = false;
};

}  // namespace countersign::http
