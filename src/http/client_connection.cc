#include "http/client_connection.h"

#include "http/body_decoder.h"
#include "http/read_buffer.h"
#include "http/scratch.h"
#include "http/stream_io.h"

namespace countersign::http {
namespace {

constexpr size_t copied_piece_max =
    16 * 1024;  // as on the server's side: one write for head and small body

// Waits until either direction can make progress; the peer may answer while the request is still
// being sent.
class EitherReady final {
 public:
  explicit EitherReady(ByteStream& stream) : stream_(stream), read_(*this), write_(*this) {}
  ~EitherReady() { stop(); }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    stream_.set_waiter(Direction::read, &read_);
    stream_.set_waiter(Direction::write, &write_);
  }
  WakeReason await_resume() const noexcept { return reason_; }

 private:
  struct Side final : StreamWaiter {
    explicit Side(EitherReady& ready) : owner(ready) {}
    void wake(WakeReason reason) override { owner.wake(reason); }
    EitherReady& owner;
  };
  void wake(WakeReason reason) {
    reason_ = reason;
    stop();
    std::exchange(waiting_, {}).resume();
  }
  void stop() {
    if (!waiting_) return;
    stream_.set_waiter(Direction::read, nullptr);
    stream_.set_waiter(Direction::write, nullptr);
  }
  ByteStream& stream_;
  Side read_;
  Side write_;
  std::coroutine_handle<> waiting_;
  WakeReason reason_ = WakeReason::ready;
};

std::unexpected<Error> upstream_timeout() {
  return fail(ErrorKind::timed_out, "http.upstream_timeout", "the upstream took too long");
}

}  // namespace

class ClientConnection::Impl final {
 public:
  Impl(std::unique_ptr<ByteStream> stream, std::string authority, ClientLimits limits)
      : stream_(std::move(stream)),
        authority_(std::move(authority)),
        limits_(limits),
        in_(limits.read_buffer_bytes) {}

  class H1ClientExchange;

  std::unique_ptr<ByteStream> stream_;
  std::string authority_;
  ClientLimits limits_;
  ReadBuffer in_;
  ResponseHead head_;  // here, so that its vector is reused
  uint64_t exchanges_ = 0;
  bool busy_ = false;
};

class ClientConnection::Impl::H1ClientExchange final : public ClientExchange {
 public:
  H1ClientExchange(Impl& connection, BootTime deadline, std::function<void(bool)> finished)
      : connection_(connection),
        stream_(*connection.stream_),
        in_(connection.in_),
        out_(take_scratch()),
        writer_(out_),
        finished_(std::move(finished)) {
    reused_ = connection.exchanges_++ > 0;
    connection.busy_ = true;
    stream_.set_deadline(deadline);
  }

  ~H1ClientExchange() override {
    give_scratch(std::move(out_), /*secret=*/true);  // it held the credential
    in_.unpin();
    const bool reusable = request_sent_ && state_ == SendState::answered && !stopped_ && !broken_ &&
                          decoder_.done() && connection_.head_.keep_alive && in_.unread().empty();
    if (reusable) {
      in_.release();
    } else {
      stream_.close();
    }
    connection_.busy_ = false;
    finished_(reusable);  // may destroy the connection
  }

  HeadWriter& begin_request(std::string_view method, std::string_view target,
                            BodyFraming framing) override {
    if (head_sent_) panic("begin_request twice");
    method_ = method;
    framing_ = framing;
    writer_.request_line(method, target);
    writer_.field("Host", connection_.authority_);
    writer_.framing(framing, /*is_request=*/true);
    return writer_;
  }

  Task<Result<void>> send(std::string_view piece, bool last) override {
    if (stopped_) co_return Result<void>();
    bool separate = false;
    if (!head_sent_) {
      CS_CO_CHECK(writer_.finish());
      head_sent_ = true;
    } else {
      out_.clear();
      CS_CO_CHECK(check_early_answer());
      if (stopped_) co_return Result<void>();
    }
    separate = piece.size() > copied_piece_max && framing_.kind != BodyFraming::Kind::chunked;
    if (!separate) append_piece(piece, last);
    CS_CO_CHECK(co_await flush(out_));
    if (separate) {
      CS_CO_CHECK(co_await flush(piece));
    }
    request_sent_ = last && !stopped_;
    co_return Result<void>();
  }

  bool sending_stopped() const override { return stopped_; }

  Task<Result<const ResponseHead*>> read_head() override {
    int interim = 0;
    head_end_.reset();
    for (bool tried = false;
         ;) {  // as on the server's side: parsed at once, then only when its end is seen
      const std::string_view unread = in_.unread();
      const bool try_now = !tried && !unread.empty();
      tried = tried || try_now;
      if (try_now || head_end_.find(unread) != std::string_view::npos) {
        const ParseResult parsed =
            parse_response_head(unread, method_, connection_.limits_.head, connection_.head_);
        if (parsed.state == ParseState::refused) co_return malformed(parsed.code);
        if (parsed.state == ParseState::complete) {
          const int status = connection_.head_.status;
          if (status >= 200) {
            CS_CO_CHECK(accept_head(parsed.consumed));
            co_return &connection_.head_;
          }
          if (status == 101) co_return malformed("http.unexpected_upgrade");
          if (++interim > connection_.limits_.interim_responses_max) {
            co_return malformed("http.too_many_interim_responses");
          }
          in_.consume(parsed.consumed);
          head_end_.reset();
          continue;
        }
      }
      if (unread.size() >= connection_.limits_.head.head_bytes_max) {
        co_return malformed("http.head_too_large");
      }
      CS_CO_CHECK(co_await receive(connection_.limits_.head.head_bytes_max));
    }
  }

  Task<Result<std::string_view>> read_body() override {
    for (;;) {
      const BodyDecoder::Step step = decoder_.next(in_.unread());
      in_.consume(step.consumed);
      if (step.state == BodyDecoder::State::data) co_return step.data;
      if (step.state == BodyDecoder::State::end) co_return std::string_view();
      if (step.state == BodyDecoder::State::refused) co_return malformed(step.code);
      auto received = co_await receive(SIZE_MAX);
      if (received) continue;
      if (ended_ && decoder_.end_of_stream()) co_return std::string_view();
      co_return std::unexpected(std::move(received).error());
    }
  }

  bool body_buffered() override {
    if (decoder_.done() || !in_.unread().empty()) return true;
    // Head and body often come in two TLS records of one segment.
    return in_.fill(stream_, SIZE_MAX).status == IoStatus::ok;
  }
  void set_deadline(BootTime deadline) override { stream_.set_deadline(deadline); }
  SendState send_state() const override { return state_; }
  bool reused_connection() const override { return reused_; }
  const PeerInfo& peer() const override { return stream_.peer(); }

 private:
  void append_piece(std::string_view piece, bool last) {
    if (framing_.kind != BodyFraming::Kind::chunked) {
      out_ += piece;
      return;
    }
    if (!piece.empty()) {
      append_chunk_header(out_, piece.size());
      out_ += piece;
      out_ += chunk_end;
    }
    if (last) out_ += last_chunk;
  }

  // Bytes from the peer before the request is complete: it answers early, or it is gone.
  Result<void> check_early_answer() {
    if (!in_.unread().empty()) {
      stopped_ = true;
      return {};
    }
    const IoResult got = in_.fill(stream_, connection_.limits_.head.head_bytes_max);
    if (got.status == IoStatus::ok) stopped_ = true;
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return lost();
    return {};
  }

  Task<Result<void>> flush(std::string_view bytes) {
    while (!bytes.empty()) {
      const IoResult result = stream_.try_write(bytes);
      if (result.status == IoStatus::failed || result.status == IoStatus::end) {
        // The peer may have answered and closed before it read everything.
        if (state_ == SendState::unknown && check_early_answer() && stopped_)
          co_return Result<void>();
        co_return lost();
      }
      state_ = SendState::unknown;  // also for `again`: part of a TLS record may have left
      bytes.remove_prefix(result.bytes);
      if (result.status == IoStatus::ok) continue;
      const WakeReason why = co_await EitherReady(stream_);
      if (why == WakeReason::timed_out) co_return timed_out();
      if (why == WakeReason::closed) co_return lost();
      CS_CO_CHECK(check_early_answer());
      if (stopped_) co_return Result<void>();
    }
    co_return Result<void>();
  }

  // More bytes into the buffer. `upstream_lost` with ended_ set if the peer ended in order.
  Task<Result<void>> receive(size_t bytes_max) {
    for (;;) {
      const IoResult got = in_.fill(stream_, bytes_max);
      if (got.status == IoStatus::ok) co_return Result<void>();
      if (got.status == IoStatus::end) ended_ = true;
      if (got.status != IoStatus::again) co_return lost();
      const WakeReason why = co_await readable(stream_);
      if (why == WakeReason::timed_out) co_return timed_out();
      if (why == WakeReason::closed) co_return lost();
    }
  }

  Result<void> accept_head(size_t head_bytes) {
    ResponseHead& head = connection_.head_;
    while (in_.pin(head_bytes, room_for(head.framing))) {
      parse_response_head(in_.unread(), method_, connection_.limits_.head, head);
    }
    decoder_.start(head.framing);
    state_ = SendState::answered;
    return {};
  }

  std::unexpected<Error> lost() {
    broken_ = true;
    return fail(ErrorKind::unavailable, "http.upstream_lost", "the upstream closed the connection",
                stream_.failure().for_log());
  }
  std::unexpected<Error> timed_out() {
    broken_ = true;
    return upstream_timeout();
  }
  std::unexpected<Error> malformed(std::string_view code) {
    broken_ = true;
    return fail(ErrorKind::unavailable, "http.upstream_malformed",
                "the upstream's answer is malformed", code);
  }

  Impl& connection_;
  ByteStream& stream_;
  ReadBuffer& in_;
  std::string out_;
  HeadWriter writer_;
  std::function<void(bool)> finished_;
  std::string method_;
  BodyFraming framing_;
  BodyDecoder decoder_;
  HeadEnd head_end_;
  SendState state_ = SendState::not_sent;
  bool reused_ = false;
  bool head_sent_ = false;
  bool request_sent_ = false;
  bool stopped_ = false;
  bool broken_ = false;
  bool ended_ = false;
};

ClientConnection::ClientConnection(std::unique_ptr<ByteStream> stream, std::string authority,
                                   ClientLimits limits)
    : impl_(std::make_unique<Impl>(std::move(stream), std::move(authority), limits)) {}
ClientConnection::~ClientConnection() = default;

std::unique_ptr<ClientExchange> ClientConnection::start(
    BootTime deadline, std::function<void(bool reusable)> finished) {
  if (impl_->busy_) panic("two exchanges at once on an HTTP/1.1 connection");
  return std::make_unique<Impl::H1ClientExchange>(*impl_, deadline, std::move(finished));
}

bool ClientConnection::reusable() const {
  return !impl_->busy_ && !impl_->stream_->stale();
}
uint64_t ClientConnection::exchanges() const {
  return impl_->exchanges_;
}
ByteStream& ClientConnection::stream() {
  return *impl_->stream_;
}

}  // namespace countersign::http
