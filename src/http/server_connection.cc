#include "http/server_connection.h"

#include "core/json.h"
#include "http/h1_codec.h"
#include "http/h1_server_exchange.h"
#include "http/h2_server_connection.h"
#include "http/h2_session.h"
#include "http/http_date.h"
#include "http/read_buffer.h"
#include "http/stream_io.h"

namespace countersign::http {
namespace {

using std::chrono::seconds;

class ServerConnection final {
 public:
  ServerConnection(ByteStream& stream, Service& service, Executor& executor,
                   const ServerLimits& limits, const ServerState& state, ConnectionStatus& status)
      : stream_(stream),
        service_(service),
        executor_(executor),
        limits_(limits),
        state_(state),
        status_(status),
        in_(limits.read_buffer_bytes),
        exchange_(stream, executor, limits, in_) {}

  Task<void> run() {
    for (uint64_t served = 0;; ++served) {
      if (!co_await wait_for_request()) break;
      if (served == 0 && may_speak_http2() && co_await speaks_http2()) {
        std::string received(in_.unread());
        in_.consume(received.size());
        in_.release();
        co_await serve_h2_connection(stream_, service_, executor_, limits_, state_, status_,
                                     std::move(received));
        co_return;
      }
      if (!co_await read_head()) co_return;
      const bool last = limits_.requests_max != 0 && served + 1 >= limits_.requests_max;
      exchange_.begin(started_ + limits_.exchange_timeout, last || draining());
      co_await service_.serve(exchange_);
      if (!co_await finish_exchange()) co_return;
    }
    stream_.shutdown_write();
    stream_.close();
  }

 private:
  bool draining() const { return state_.draining.load(std::memory_order_relaxed); }

  // True once the first byte of a request is there.
  Task<bool> wait_for_request() {
    if (!in_.unread().empty()) co_return !draining();
    status_.idle = true;
    for (;;) {
      if (draining()) co_return false;
      const IoResult got = in_.fill(stream_, limits_.head.head_bytes_max);
      if (got.status == IoStatus::ok) break;
      if (got.status != IoStatus::again) co_return false;
      in_.release();
      stream_.set_deadline(executor_.now() + limits_.idle_timeout);
      if (co_await readable(stream_) != WakeReason::ready) co_return false;
    }
    status_.idle = false;
    co_return true;
  }

  // RFC 9113 §3.3: over TLS both ends agreed on it, or it is not spoken.
  bool may_speak_http2() const {
    return limits_.http2 && stream_.peer().protocol != AgreedProtocol::http1;
  }

  // Looks at the first bytes of a connection. What comes too slowly to tell is left to HTTP/1.1,
  // which will refuse it.
  Task<bool> speaks_http2() {
    // RFC 9113 §3.4: who agreed on it and sends something else hears so in its frames.
    if (stream_.peer().protocol == AgreedProtocol::http2) co_return true;
    for (;;) {
      const PrefaceMatch match = match_h2_preface(in_.unread());
      if (match != PrefaceMatch::maybe) co_return match == PrefaceMatch::yes;
      const IoResult got = in_.fill(stream_, limits_.head.head_bytes_max);
      if (got.status == IoStatus::ok) continue;
      if (got.status != IoStatus::again) co_return false;
      stream_.set_deadline(executor_.now() + limits_.head_timeout);
      if (co_await readable(stream_) != WakeReason::ready) co_return false;
    }
  }

  // Parses the head into the exchange and pins it. False: the connection has been answered and
  // closed.
  Task<bool> read_head() {
    started_ = executor_.now();
    head_end_.reset();
    // A head mostly arrives whole: then it is parsed at once. Later tries wait until its end has
    // been seen, so that a dripping client costs no second parse.
    for (bool first = true;; first = false) {
      const std::string_view unread = in_.unread();
      const bool full = unread.size() >= limits_.head.head_bytes_max;
      if (first || full || head_end_.find(unread) != std::string_view::npos) {
        const ParseResult parsed = parse_and_pin();
        if (parsed.state == ParseState::complete) co_return true;
        if (parsed.state == ParseState::refused) {
          co_await refuse(parsed.status, parsed.code);
          co_return false;
        }
      }
      if (full) {
        co_await refuse(431, "http.head_too_large");
        co_return false;
      }
      const IoResult got = in_.fill(stream_, limits_.head.head_bytes_max);
      if (got.status == IoStatus::ok) continue;
      if (got.status == IoStatus::again) {
        stream_.set_deadline(started_ + limits_.head_timeout);
        const WakeReason why = co_await readable(stream_);
        if (why == WakeReason::ready) continue;
        if (why == WakeReason::timed_out) {
          co_await refuse(408, "http.head_timeout");
          co_return false;
        }
      }
      stream_.close();
      co_return false;
    }
  }

  ParseResult parse_and_pin() {
    RequestHead& head = exchange_.head();
    ParseResult parsed = parse_request_head(in_.unread(), limits_.head, head);
    if (parsed.state != ParseState::complete) return parsed;
    while (in_.pin(parsed.consumed, room_for(head.framing))) {
      parsed = parse_request_head(in_.unread(), limits_.head, head);
    }
    return parsed;
  }

  // After serve(): true if another request may follow; else the connection is closed.
  Task<bool> finish_exchange() {
    if (!exchange_.answered()) {
      stream_.close();
      co_return false;
    }
    const bool drained = co_await exchange_.drain_request();
    const bool reusable = drained && exchange_.reusable();
    exchange_.end();
    in_.unpin();
    if (reusable) co_return true;
    if (drained) {
      stream_.shutdown_write();
      stream_.close();
    } else {
      co_await linger(stream_, executor_.now() + seconds(2));
    }
    co_return false;
  }

  // The driver's own answer to what it cannot accept; then the connection ends.
  Task<void> refuse(int status, std::string_view code) {
    std::string body = R"({"type":"about:blank","title":)";
    append_json_string(body, reason_phrase(status));
    body += R"(,"status":)" + std::to_string(status) + R"(,"code":)";
    append_json_string(body, code);
    body += "}";
    std::string answer;
    HeadWriter writer(answer);
    writer.status_line(status);
    writer.framing(BodyFraming::of_length(body.size()), /*is_request=*/false);
    writer.field("Date", format_http_date(executor_.wall_now()));
    writer.field("Content-Type", "application/problem+json");
    writer.field("Connection", "close");
    if (!writer.finish()) panic("a fixed answer cannot be written");
    answer += body;
    stream_.set_deadline(executor_.now() + seconds(5));
    co_await write_all(stream_, answer);
    co_await linger(stream_, executor_.now() + seconds(2));
  }

  ByteStream& stream_;
  Service& service_;
  Executor& executor_;
  const ServerLimits& limits_;
  const ServerState& state_;
  ConnectionStatus& status_;
  ReadBuffer in_;
  H1ServerExchange exchange_;
  HeadEnd head_end_;
  BootTime started_{};
};

}  // namespace

Task<void> serve_connection(ByteStream& stream, Service& service, Executor& executor,
                            const ServerLimits& limits, const ServerState& state,
                            ConnectionStatus& status) {
  ServerConnection connection(stream, service, executor, limits, state, status);
  co_await connection.run();
  stream.close();
}

}  // namespace countersign::http
