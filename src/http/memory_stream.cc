#include "http/memory_stream.h"

#include <algorithm>
#include <deque>
#include <string>

namespace countersign::http {
namespace {

// One direction: bytes written by one end, not yet read by the other.
struct Pipe {
  std::string bytes;
  bool ended = false;   // the writer has shut down
  bool broken = false;  // either end has closed
};

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(Executor& executor, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
               const MemoryStreamOptions& options, const Endpoint& peer)
      : executor_(executor),
        in_(std::move(in)),
        out_(std::move(out)),
        capacity_(options.capacity_bytes),
        slice_(options.slice_bytes),
        reader_(*this, Direction::read),
        writer_(*this, Direction::write) {
    peer_.address = peer;
  }
  ~MemoryStream() override {
    close();
    if (other_) other_->other_ = nullptr;
  }

  void join(MemoryStream& other) {
    other_ = &other;
    other.other_ = this;
  }

  IoResult try_read(std::span<char> into) override {
    if (closed_) return {IoStatus::failed, 0};
    if (in_->bytes.empty()) {
      if (in_->broken) return {IoStatus::failed, 0};
      return {in_->ended ? IoStatus::end : IoStatus::again, 0};
    }
    const size_t count = std::min({into.size(), in_->bytes.size(), slice_});
    std::copy_n(in_->bytes.begin(), count, into.begin());
    in_->bytes.erase(0, count);
    if (other_) other_->writer_.schedule();
    return {IoStatus::ok, count};
  }

  IoResult try_write(std::string_view from) override {
    if (closed_ || out_->broken || out_->ended) return {IoStatus::failed, 0};
    const size_t count = std::min({from.size(), capacity_ - out_->bytes.size(), slice_});
    if (count == 0) return {IoStatus::again, 0};
    out_->bytes.append(from.substr(0, count));
    if (other_) other_->reader_.schedule();
    return {IoStatus::ok, count};
  }

  void set_waiter(Direction direction, StreamWaiter* waiter) override {
    Wakeup& wakeup = direction == Direction::read ? reader_ : writer_;
    wakeup.waiter = waiter;
    if (waiter) {
      wakeup.schedule_if_possible();
    } else {
      wakeup.cancel();
    }
  }

  void set_deadline(BootTime deadline) override {
    deadline_ = deadline;
    reader_.schedule_if_possible();
    writer_.schedule_if_possible();
  }

  void shutdown_write() override {
    out_->ended = true;
    if (other_) other_->reader_.schedule();
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    in_->broken = out_->broken = true;
    reader_.schedule();
    writer_.schedule();
    if (other_) {
      other_->reader_.schedule();
      other_->writer_.schedule();
    }
  }

  bool stale() const override {
    return closed_ || in_->broken || in_->ended || !in_->bytes.empty();
  }
  const PeerInfo& peer() const override { return peer_; }
  Error failure() const override {
    return make_error(ErrorKind::unavailable, "memory_stream.closed", "the connection was closed");
  }

 private:
  // Calls the waiter from the executor's loop, as the interface demands.
  class Wakeup final : public Timer {
   public:
    Wakeup(MemoryStream& owner, Direction direction) : owner_(owner), direction_(direction) {}
    StreamWaiter* waiter = nullptr;

    void schedule() {
      if (waiter) owner_.executor_.arm(*this, owner_.executor_.now());
    }
    void schedule_if_possible() {
      if (!waiter) return;
      if (possible()) {
        schedule();
      } else if (owner_.deadline_ != BootTime::max()) {
        owner_.executor_.arm(*this, owner_.deadline_);
      } else {
        cancel();
      }
    }
    void cancel() { owner_.executor_.disarm(*this); }

   private:
    bool possible() const {
      if (owner_.closed_) return true;
      return direction_ == Direction::read ? owner_.can_read() : owner_.can_write();
    }
    void fire() override {
      if (!waiter) return;
      if (owner_.closed_) {
        waiter->wake(WakeReason::closed);
      } else if (possible()) {
        waiter->wake(WakeReason::ready);
      } else if (owner_.deadline_ <= owner_.executor_.now()) {
        waiter->wake(WakeReason::timed_out);
      } else {
        schedule_if_possible();
      }
    }
    MemoryStream& owner_;
    Direction direction_;
  };

  bool can_read() const { return !in_->bytes.empty() || in_->ended || in_->broken; }
  bool can_write() const { return out_->bytes.size() < capacity_ || out_->broken; }

  Executor& executor_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  size_t capacity_;
  size_t slice_;
  Wakeup reader_;
  Wakeup writer_;
  MemoryStream* other_ = nullptr;
  BootTime deadline_ = BootTime::max();
  bool closed_ = false;
  PeerInfo peer_;
};

}  // namespace

std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> make_memory_streams(
    Executor& executor, const MemoryStreamOptions& options) {
  auto there = std::make_shared<Pipe>();
  auto back = std::make_shared<Pipe>();
  auto first =
      std::make_unique<MemoryStream>(executor, back, there, options, options.second_address);
  auto second =
      std::make_unique<MemoryStream>(executor, there, back, options, options.first_address);
  first->join(*second);
  return {std::move(first), std::move(second)};
}

}  // namespace countersign::http
