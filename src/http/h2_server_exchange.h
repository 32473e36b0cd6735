// One request and its answer on an HTTP/2 stream (RFC 9113 §8). The Service sees what it sees of
// HTTP/1.1; h2_server_connection.cc makes one for each stream and tells it what arrives.

#pragma once

#include <coroutine>
#include <string>
#include <vector>

#include "core/executor.h"
#include "http/h2_session.h"
#include "http/server_connection.h"
#include "http/service.h"

namespace countersign::http {

// The connection, as its streams need it.
class H2StreamOwner {
 public:
  virtual ~H2StreamOwner() = default;
  // Something is to be sent, or a wait has a new end: soon, not from inside this call.
  virtual void pump_soon() = 0;
  // No new streams: those under way go on.
  virtual void retire() = 0;
};

class H2ServerExchange final : public Exchange {
 public:
  // All outlive it.
  H2ServerExchange(int32_t stream, H2Session& session, H2StreamOwner& owner, Executor& executor,
                   const ServerLimits& limits, const PeerInfo& peer);
  H2ServerExchange(const H2ServerExchange&) = delete;
  H2ServerExchange& operator=(const H2ServerExchange&) = delete;

  // What the peer sent.
  void add_field(std::string_view name, std::string_view value);
  void end_head();
  void add_data(std::string_view bytes) { body_ += bytes; }
  void end_request() { request_ended_ = true; }
  void close() { closed_ = true; }
  // What it is sent next.
  size_t take_answer(std::span<char> out, bool& last);

  // The head as a request; else what to refuse it with.
  struct Refusal {
    int status = 0;  // 0: it is a request
    std::string_view code;
  };
  const Refusal& refusal() const { return refusal_; }
  // Nobody waits for an answer of it any more.
  bool closed() const { return closed_; }
  bool answered() const { return answer_ended_; }
  bool request_ended() const { return request_ended_; }
  // Bytes of the connection's window that it holds.
  size_t unconsumed() const { return body_.size() + current_.size(); }

  // Resumes the Service's coroutine if what it waits for has come. The coroutine may end meanwhile.
  void resume_if_due(BootTime now);
  bool waits() const { return waiting_ != nullptr; }

  const RequestHead& request() const override { return head_; }
  const PeerInfo& peer() const override { return peer_; }
  WallTime now() const override { return executor_.wall_now(); }
  Task<Result<std::string_view>> read_body() override;
  HeadWriter& begin_response(int status, BodyFraming framing) override;
  Task<Result<void>> send(std::string_view piece, bool last) override;
  bool response_started() const override { return head_sent_; }
  void close_after_response() override {}  // another stream may go on
  void retire_connection() override { owner_.retire(); }
  void abort() override;

 private:
  enum class WaitFor { nothing, body, sent };
  class Wait;
  struct Span {
    size_t name_at, name_size, value_at, value_size;
  };

  Refusal check_head();
  Refusal take_fields();
  Refusal take_field(const Field& field);
  Refusal take_pseudo_field(const Field& field);
  Refusal check_target();
  bool is_due(BootTime now) const;
  Result<void> submit_head(bool last);
  bool length_fits(bool last) const;

  const int32_t stream_;
  H2Session& session_;
  H2StreamOwner& owner_;
  Executor& executor_;
  const ServerLimits& limits_;
  const PeerInfo& peer_;
  const BootTime deadline_;

  std::string text_;  // the fields, one behind the other; does not change after end_head()
  std::vector<Span> spans_;
  RequestHead head_;
  Refusal refusal_;
  size_t hosts_ = 0;
  std::string_view host_;

  std::string body_;     // received, not handed out
  std::string current_;  // handed out
  uint64_t body_received_ = 0;
  bool request_ended_ = false;
  bool continue_due_ = false;

  std::string out_;  // the answer's head as text
  HeadWriter writer_;
  int status_ = 0;
  BodyFraming framing_;
  std::string_view piece_;  // to be sent; the caller of send() keeps it
  uint64_t body_sent_ = 0;
  bool last_piece_ = false;
  bool bodiless_ = false;
  bool response_begun_ = false;
  bool head_sent_ = false;
  bool answer_ended_ = false;
  bool closed_ = false;

  WaitFor wait_for_ = WaitFor::nothing;
  BootTime wait_end_{};
  std::coroutine_handle<> waiting_;
};

}  // namespace countersign::http
