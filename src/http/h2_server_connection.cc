#include "http/h2_server_connection.h"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "http/h2_noise.h"
#include "http/h2_server_exchange.h"
#include "http/h2_session.h"
#include "http/problem.h"

namespace countersign::http {
namespace {

using std::chrono::milliseconds;

// How often time-outs are looked at while something is under way.
constexpr milliseconds tick{250};
// What is sent in one write, and how much is made ready while the peer does not read.
constexpr size_t output_bytes = 32 * 1024;

// Calls whose streams the peer took back run on until their Service notices.
constexpr size_t tasks_per_stream = 2;

H2SessionOptions session_options(const ServerLimits& limits) {
  H2SessionOptions options;
  options.streams_max = limits.http2_streams_max;
  options.head_bytes_max = static_cast<uint32_t>(limits.head.head_bytes_max);
  return options;
}

class H2ServerConnection final : private H2Events, private H2StreamOwner, private DrainHook {
 public:
  H2ServerConnection(ByteStream& stream, Service& service, Executor& executor,
                     const ServerLimits& limits, const ServerState& state, ConnectionStatus& status)
      : stream_(stream),
        service_(service),
        executor_(executor),
        limits_(limits),
        status_(status),
        session_(*this, session_options(limits)),
        noise_(executor.now()),
        idle_since_(executor.now()),
        draining_(state.draining.load(std::memory_order_relaxed)) {
    status_.idle = false;
    status_.on_drain = this;
  }
  ~H2ServerConnection() override { stop_waiting(); }

  Task<void> run(std::string received) {
    stream_.set_deadline(BootTime::max());
    take_input(received);
    received = {};
    pump();
    if (!done_) co_await Ended(*this);
    stream_.shutdown_write();
    stream_.close();
  }

 private:
  struct Stream {
    Stream(int32_t id, H2ServerConnection& owner)
        : exchange(id, owner.session_, owner, owner.executor_, owner.limits_,
                   owner.stream_.peer()) {}
    bool ended() const {
      return started ? task.done() : exchange.closed() && !head_complete;  // no call was made of it
    }

    H2ServerExchange exchange;
    Task<void> task;  // after the exchange, which it uses
    bool head_complete = false;
    bool started = false;
  };

  // Waits for finish().
  class Ended final {
   public:
    explicit Ended(H2ServerConnection& owner) : owner_(owner) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) { owner_.main_ = waiting; }
    void await_resume() const {}

   private:
    H2ServerConnection& owner_;
  };

  class Waiter final : public StreamWaiter {
   public:
    Waiter(H2ServerConnection& owner, Direction direction) : owner_(owner), direction_(direction) {}
    void wake(WakeReason reason) override {
      owner_.stream_.set_waiter(direction_, nullptr);
      if (reason == WakeReason::closed) owner_.lose();
      owner_.pump();
    }

   private:
    H2ServerConnection& owner_;
    const Direction direction_;
  };

  class PumpTimer final : public Timer {
   public:
    explicit PumpTimer(H2ServerConnection& owner) : owner_(owner) {}

   private:
    void fire() override { owner_.pump(); }
    H2ServerConnection& owner_;
  };

  bool head_begins(int32_t id) override {
    calm_wanted_ = calm_wanted_ || streams_.size() >= tasks_per_stream * limits_.http2_streams_max;
    if (calm_wanted_) return false;
    head_began_ = executor_.now();
    streams_.emplace(id, std::make_unique<Stream>(id, *this));
    if (limits_.requests_max != 0 && ++requests_ >= limits_.requests_max) draining_ = true;
    return true;
  }
  void field(int32_t id, std::string_view name, std::string_view value) override {
    if (Stream* stream = find(id)) stream->exchange.add_field(name, value);
  }
  void head_ends(int32_t id) override {
    head_began_.reset();
    Stream* stream = find(id);
    if (!stream) return;
    stream->exchange.end_head();
    stream->head_complete = true;
  }
  void data(int32_t id, std::string_view bytes) override {
    Stream* stream = find(id);
    if (stream && !stream->ended()) {
      stream->exchange.add_data(bytes);
    } else {
      session_.consume_connection(bytes.size());
    }
  }
  void request_ends(int32_t id) override {
    if (Stream* stream = find(id)) stream->exchange.end_request();
  }
  void stream_closed(int32_t id) override {
    Stream* stream = find(id);
    if (!stream) return;
    stream->exchange.close();
    // A head that never ended: no call was made of it.
    if (!stream->head_complete) {
      head_began_.reset();
      streams_.erase(id);
    }
  }
  void stream_reset(int32_t id) override {
    const Stream* stream = find(id);
    if (stream && stream->exchange.answered()) return;
    if (!noise_.allow_reset()) calm_wanted_ = true;
  }
  void idle_frame() override {
    if (!noise_.allow_idle_frame()) calm_wanted_ = true;
  }
  size_t take_answer(int32_t id, std::span<char> out, bool& last) override {
    if (Stream* stream = find(id)) return stream->exchange.take_answer(out, last);
    last = true;
    return 0;
  }

  void pump_soon() override {
    if (pumping_) {
      again_ = true;
    } else {
      executor_.arm(pump_timer_, executor_.now());
    }
  }
  void retire() override { begin_drain(); }
  void begin_drain() override {
    draining_ = true;
    pump_soon();
  }

  // Moves everything that can be moved now. The connection may be gone afterwards.
  void pump() {
    if (pumping_) {
      again_ = true;
      return;
    }
    pumping_ = true;
    do {
      again_ = false;
      look_at_time();
      read();
      keep_the_peace();
      run_streams();
      reap_streams();
      if (draining_ && !std::exchange(said_goodbye_, draining_)) session_.begin_go_away();
      write();
    } while (again_);
    pumping_ = false;
    if (is_over()) return finish();
    wait();
  }

  void look_at_time() {
    const BootTime now = executor_.now();
    noise_.advance(now);
    if (head_began_ && now - *head_began_ >= limits_.head_timeout) calm_wanted_ = true;
    if (blocked_since_ && now - *blocked_since_ >= limits_.body_timeout) lose();
    if (streams_.empty() && now - idle_since_ >= limits_.idle_timeout) draining_ = true;
  }

  void read() {
    std::array<char, 16 * 1024> bytes;
    while (!input_ended_ && !lost_ && out_.size() < output_bytes) {
      const IoResult got = stream_.try_read(bytes);
      if (got.status == IoStatus::again) return;
      if (got.status != IoStatus::ok) {
        input_ended_ = true;
        if (got.status == IoStatus::failed) lose();
        return;
      }
      take_input({bytes.data(), got.bytes});
      keep_the_peace();
      if (calm_wanted_) return;
    }
  }

  void take_input(std::string_view bytes) {
    if (!session_.receive(bytes)) end_input();
  }

  // The peer was told to stop: what it still sends is not looked at.
  void keep_the_peace() {
    if (!calm_wanted_ || input_ended_) return;
    session_.go_away(H2Error::enhance_your_calm);
    end_input();
  }

  void run_streams() {
    // A call may end at once, and none is added or removed meanwhile.
    for (const auto& [id, stream] : streams_) {
      if (!stream->head_complete) continue;
      if (!std::exchange(stream->started, true)) {
        stream->task = serve(*stream);
        stream->task.start();
      } else {
        stream->exchange.resume_if_due(executor_.now());
      }
    }
  }

  Task<void> serve(Stream& stream) {
    const H2ServerExchange::Refusal& refusal = stream.exchange.refusal();
    if (refusal.status == 0) {
      co_await service_.serve(stream.exchange);
    } else {
      Problem problem;
      problem.status = refusal.status;
      problem.extra.emplace_back("code", refusal.code);
      static_cast<void>(co_await respond_problem(stream.exchange, std::move(problem)));
    }
    pump_soon();
  }

  void reap_streams() {
    for (auto at = streams_.begin(); at != streams_.end();) {
      const Stream& stream = *at->second;
      if (!stream.ended()) {
        ++at;
        continue;
      }
      const H2ServerExchange& exchange = stream.exchange;
      if (!exchange.closed() && !exchange.answered()) {
        session_.reset(at->first, H2Error::internal_error);
      } else if (!exchange.closed() && !exchange.request_ended()) {
        session_.reset(at->first, H2Error::no_error);  // RFC 9113 §8.1: the rest is not wanted
      }
      session_.consume_connection(exchange.unconsumed());
      at = streams_.erase(at);
      idle_since_ = executor_.now();
    }
  }

  void write() {
    while (!lost_) {
      if (out_.empty() && !take_output()) break;
      const IoResult sent = stream_.try_write(out_);
      if (sent.status == IoStatus::ok) {
        out_.erase(0, sent.bytes);
        blocked_since_.reset();
      } else if (sent.status == IoStatus::again) {
        if (!blocked_since_) blocked_since_ = executor_.now();
        return;
      } else {
        lose();
      }
    }
    if (out_.empty()) std::string().swap(out_);
  }

  // False: there is nothing to send. Bytes that were taken may be what a stream waits for.
  bool take_output() {
    while (out_.size() < output_bytes) {
      const std::string_view bytes = session_.next_output();
      if (bytes.empty()) break;
      out_ += bytes;
      again_ = true;
    }
    if (!input_ended_ && !draining_ && session_.refuses_input()) end_input();
    return !out_.empty();
  }

  // The peer is gone: calls run to their end, and nobody hears of it.
  void lose() {
    lost_ = input_ended_ = true;
    out_.clear();
    blocked_since_.reset();
    close_streams();
  }

  void end_input() {
    input_ended_ = draining_ = said_goodbye_ = true;
    close_streams();
  }

  void close_streams() {
    for (const auto& [id, stream] : streams_) stream->exchange.close();
    again_ = true;
  }

  bool is_over() const {
    if (!streams_.empty()) return false;
    if (lost_) return true;
    return out_.empty() && (input_ended_ || said_goodbye_ || session_.over());
  }

  void wait() {
    if (!input_ended_) stream_.set_waiter(Direction::read, &reader_);
    if (!out_.empty()) stream_.set_waiter(Direction::write, &writer_);
    const bool busy = !streams_.empty() || head_began_ || blocked_since_;
    const BootTime now = executor_.now();
    executor_.arm(tick_timer_, busy ? now + tick : idle_since_ + limits_.idle_timeout);
  }

  void stop_waiting() {
    stream_.set_waiter(Direction::read, nullptr);
    stream_.set_waiter(Direction::write, nullptr);
    executor_.disarm(pump_timer_);
    executor_.disarm(tick_timer_);
    status_.on_drain = nullptr;
  }

  // The last thing of all: whoever waits destroys this object.
  void finish() {
    done_ = true;
    stop_waiting();
    if (main_) std::exchange(main_, nullptr).resume();
  }

  Stream* find(int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }

  ByteStream& stream_;
  Service& service_;
  Executor& executor_;
  const ServerLimits& limits_;
  ConnectionStatus& status_;
  H2Session session_;
  std::map<int32_t, std::unique_ptr<Stream>> streams_;  // whose calls have not ended
  std::string out_;                                     // taken from the session, not sent
  Waiter reader_{*this, Direction::read};
  Waiter writer_{*this, Direction::write};
  PumpTimer pump_timer_{*this};
  PumpTimer tick_timer_{*this};
  std::coroutine_handle<> main_;
  H2Noise noise_;
  BootTime idle_since_;
  std::optional<BootTime> head_began_;
  std::optional<BootTime> blocked_since_;
  uint64_t requests_ = 0;
  bool draining_;
  bool said_goodbye_ = false;
  bool calm_wanted_ = false;
  bool input_ended_ = false;
  bool lost_ = false;
  bool pumping_ = false;
  bool again_ = false;
  bool done_ = false;
};

}  // namespace

Task<void> serve_h2_connection(ByteStream& stream, Service& service, Executor& executor,
                               const ServerLimits& limits, const ServerState& state,
                               ConnectionStatus& status, std::string received) {
  H2ServerConnection connection(stream, service, executor, limits, state, status);
  co_await connection.run(std::move(received));
}

}  // namespace countersign::http
