#include "http/h1_server_exchange.h"

#include <algorithm>
#include <utility>

#include "http/scratch.h"
#include "http/stream_io.h"

namespace countersign::http {
namespace {

// A piece up to this size is copied behind the head (or between chunk marks) to leave in one write;
// a larger one is written from where it is.
constexpr size_t copied_piece_max = 16 * 1024;
// An unread rest of a request body up to this size is read and dropped to keep the connection.
constexpr uint64_t drained_body_max = 64 * 1024;

std::unexpected<Error> client_lost() {
  return fail(ErrorKind::unavailable, "http.client_lost", "the client closed the connection");
}
std::unexpected<Error> client_timeout() {
  return fail(ErrorKind::timed_out, "http.client_timeout", "the client took too long");
}

}  // namespace

H1ServerExchange::~H1ServerExchange() {
  end();
}

void H1ServerExchange::begin(BootTime deadline, bool draining) {
  decoder_.start(head_.framing);
  deadline_ = deadline;
  body_received_ = 0;
  body_sent_ = 0;
  continue_due_ =
      head_.expect_continue && head_.minor_version >= 1 && !decoder_.done() && in_.unread().empty();
  keep_alive_ = head_.keep_alive && !draining;
  bodiless_ = false;
  response_begun_ = head_sent_ = response_ended_ = aborted_ = false;
}

bool H1ServerExchange::reusable() const {
  return response_ended_ && keep_alive_ && !aborted_ && decoder_.done();
}

void H1ServerExchange::end() {
  if (!holds_scratch_) return;
  give_scratch(std::exchange(out_, {}));
  holds_scratch_ = false;
}

void H1ServerExchange::wait_limit() {
  stream_.set_deadline(std::min(deadline_, executor_.now() + limits_.body_timeout));
}

Task<Result<std::string_view>> H1ServerExchange::read_body() {
  if (continue_due_ && !response_begun_) {
    continue_due_ = false;
    CS_CO_CHECK(co_await send_continue());
  }
  for (;;) {
    const BodyDecoder::Step step = decoder_.next(in_.unread());
    in_.consume(step.consumed);
    if (step.state == BodyDecoder::State::end) co_return std::string_view();
    if (step.state == BodyDecoder::State::data) {
      body_received_ += step.data.size();
      if (body_received_ > limits_.body_bytes_max) {
        keep_alive_ = false;
        co_return fail(ErrorKind::too_large, "http.client_body_too_large",
                       "the request body is too large");
      }
      co_return step.data;
    }
    if (step.state == BodyDecoder::State::refused) {
      keep_alive_ = false;
      co_return fail(ErrorKind::invalid_input, "http.client_bad_chunk",
                     "the request body's chunked coding is malformed", step.code);
    }
    const IoResult got = in_.fill(stream_, SIZE_MAX);
    if (got.status == IoStatus::again) {
      wait_limit();
      const WakeReason why = co_await readable(stream_);
      if (why == WakeReason::timed_out) {
        keep_alive_ = false;
        co_return client_timeout();
      }
      if (why == WakeReason::closed) co_return client_lost();
    } else if (got.status != IoStatus::ok) {
      keep_alive_ = false;
      co_return client_lost();
    }
  }
}

Task<Result<void>> H1ServerExchange::send_continue() {
  co_return co_await flush("HTTP/1.1 100 Continue\r\n\r\n");
}

Task<bool> H1ServerExchange::drain_request() {
  if (decoder_.done()) co_return true;
  const bool small = decoder_.remaining() <= drained_body_max;
  if (continue_due_ || !small || !keep_alive_)
    co_return false;  // nothing to be gained by waiting for it
  for (;;) {
    const auto piece = co_await read_body();
    if (!piece) co_return false;
    if (piece->empty()) co_return true;
  }
}

HeadWriter& H1ServerExchange::begin_response(int status, BodyFraming framing) {
  if (head_sent_) panic("begin_response after the head has left");
  if (!std::exchange(holds_scratch_, true)) out_ = take_scratch();
  out_.clear();
  writer_ = HeadWriter(out_);
  framing_ = framing;
  response_begun_ = true;
  body_sent_ = 0;
  const bool no_body = status == 204 || status == 304;
  bodiless_ = no_body || head_.method == "HEAD";
  if (continue_due_) keep_alive_ = false;  // whether the body will come is the client's guess
  writer_.status_line(status);
  if (status == 204) {
    framing_ = {};
  } else if (head_.minor_version == 0 && framing.kind == BodyFraming::Kind::chunked) {
    framing_.kind = BodyFraming::Kind::until_close;  // HTTP/1.0 knows no chunks
  } else {
    writer_.framing(framing_, /*is_request=*/false);
  }
  if (framing_.kind == BodyFraming::Kind::until_close) keep_alive_ = false;
  return writer_;
}

Result<void> H1ServerExchange::finish_head() {
  if (!keep_alive_) {
    writer_.field("Connection", "close");
  } else if (head_.minor_version == 0) {
    writer_.field("Connection", "keep-alive");
  }
  return writer_.finish();
}

void H1ServerExchange::append_piece(std::string_view piece, bool last) {
  if (bodiless_) return;
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

bool H1ServerExchange::length_fits(bool last) const {
  if (bodiless_) return true;
  if (framing_.kind == BodyFraming::Kind::none) return body_sent_ == 0;
  if (framing_.kind != BodyFraming::Kind::length) return true;
  return last ? body_sent_ == framing_.length : body_sent_ <= framing_.length;
}

Task<Result<void>> H1ServerExchange::send(std::string_view piece, bool last) {
  if (!response_begun_ || response_ended_) panic("send() outside a response");
  if (aborted_) co_return client_lost();
  if (!head_sent_) {
    if (auto finished = finish_head(); !finished) {
      abort();
      co_return std::unexpected(std::move(finished).error());
    }
    head_sent_ = true;
  } else {
    out_.clear();
  }
  body_sent_ += piece.size();
  if (!length_fits(last)) {
    abort();
    co_return fail(ErrorKind::internal, "http.wrong_body_length", "the answer's body broke off");
  }
  const bool separate =
      piece.size() > copied_piece_max && framing_.kind != BodyFraming::Kind::chunked && !bodiless_;
  if (!separate) append_piece(piece, last);
  CS_CO_CHECK(co_await flush(out_));
  if (separate) {
    CS_CO_CHECK(co_await flush(piece));
  }
  response_ended_ = last;
  co_return Result<void>();
}

Task<Result<void>> H1ServerExchange::flush(std::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult result = stream_.try_write(bytes);
    if (result.status == IoStatus::ok) {
      bytes.remove_prefix(result.bytes);
      continue;
    }
    WakeReason why = WakeReason::closed;
    if (result.status == IoStatus::again) {
      wait_limit();
      why = co_await writable(stream_);
    }
    if (why == WakeReason::ready) continue;
    abort();
    if (why == WakeReason::timed_out) co_return client_timeout();
    co_return client_lost();
  }
  co_return Result<void>();
}

void H1ServerExchange::abort() {
  aborted_ = true;
  keep_alive_ = false;
}

}  // namespace countersign::http
