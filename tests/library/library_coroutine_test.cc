// The library awaited from coroutines of the program's own: where they are resumed, and what
// becomes of a call whose coroutine goes.

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "library_fixture.h"
#include "support/silent_server.h"

namespace countersign::e2e {
namespace {

// A coroutine that its owner may destroy while it waits, and that knows nothing of the library.
class Owned final {
 public:
  struct promise_type {
    Owned get_return_object() {
      return Owned(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() { return {}; }
    // Tells the owner, on whatever thread, once nothing of the frame is in use any more.
    struct Final {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> handle) noexcept {
        const std::shared_ptr<std::promise<void>> owner = handle.promise().ended;
        owner->set_value();  // the frame may be gone from here on
      }
      void await_resume() const noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    std::shared_ptr<std::promise<void>> ended = std::make_shared<std::promise<void>>();
  };
  Owned(Owned&& other) noexcept
      : handle_(std::exchange(other.handle_, {})), ended_(std::move(other.ended_)) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (handle_) handle_.destroy();
  }
  // Before a coroutine that another thread resumed may be destroyed.
  void wait_for_end() const { ended_->get_future().wait(); }

 private:
  explicit Owned(std::coroutine_handle<promise_type> handle)
      : handle_(handle), ended_(handle.promise().ended) {}
  std::coroutine_handle<promise_type> handle_;
  std::shared_ptr<std::promise<void>> ended_;
};

// Work for the test's thread.
class Queue final {
 public:
  std::function<void(std::function<void()>)> poster() {
    return [this](std::function<void()> work) {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
      changed_.notify_all();
    };
  }
  void wait_for_work() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !work_.empty(); });
  }
  void run_one() {
    wait_for_work();
    std::unique_lock lock(mutex_);
    const std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
};

struct Seen {
  std::optional<cs::Outcome> outcome;
  std::thread::id resumed_on;
};

Owned pay(const cs::Client& client, cs::Request request, cs::AsyncOptions options, Seen& seen) {
  cs::Outcome outcome = co_await client.async_call(std::move(request), std::move(options));
  seen.resumed_on = std::this_thread::get_id();
  seen.outcome = std::move(outcome);
}

TEST_F(LibraryTest, coroutine_is_resumed_where_post_leads) {
  const cs::Client client = make(options());
  Queue queue;
  Seen seen;
  cs::AsyncOptions async;
  async.post = queue.poster();
  const Owned running = pay(client, payment_request("k1"), async, seen);
  queue.run_one();
  ASSERT_TRUE(seen.outcome);
  EXPECT_EQ(seen.outcome->status, 201);
  EXPECT_EQ(seen.resumed_on, std::this_thread::get_id());
}

Owned pay_and_call(const cs::Client& client, cs::Request request, Seen& seen, cs::Outcome& blocked,
                   std::function<void(std::function<void()>)> done) {
  seen.outcome = co_await client.async_call(std::move(request));
  seen.resumed_on = std::this_thread::get_id();
  blocked = client.call({.target = "/v1/payments"});
  done([] {});
}

TEST_F(LibraryTest, coroutine_without_post_is_resumed_on_the_librarys_thread_and_may_not_block_it) {
  const cs::Client client = make(options());
  Queue queue;
  Seen seen;
  cs::Outcome blocked;
  const Owned running = pay_and_call(client, payment_request("k1"), seen, blocked, queue.poster());
  queue.run_one();
  running.wait_for_end();
  EXPECT_EQ(seen.outcome->status, 201);
  EXPECT_NE(seen.resumed_on, std::this_thread::get_id());
  EXPECT_EQ(blocked.kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(blocked.code, "client.called_on_own_thread");
}

TEST_F(LibraryTest, coroutine_that_is_destroyed_ends_its_call_and_is_never_resumed) {
  testing::SilentServer silent;
  cs::ClientOptions wanted = options();
  wanted.connect_to = silent.address();
  const cs::Client client = make(std::move(wanted));
  Queue queue;
  Seen seen;
  cs::AsyncOptions async;
  async.post = queue.poster();
  {
    const Owned running = pay(client, payment_request(), async, seen);
    silent.wait_for_connections(1);
  }
  // One more call on the same lane, over when the first would have been.
  cs::AsyncOptions short_one = async;
  short_one.deadline = std::chrono::milliseconds(1);
  Seen second;
  const Owned other = pay(client, payment_request(), short_one, second);
  queue.run_one();
  EXPECT_TRUE(second.outcome);
  EXPECT_FALSE(seen.outcome);
}

TEST_F(LibraryTest, coroutine_that_goes_between_the_outcome_and_its_resumption_is_not_resumed) {
  const cs::Client client = make(options());
  Queue queue;
  Seen seen;
  cs::AsyncOptions async;
  async.post = queue.poster();
  {
    const Owned running = pay(client, payment_request("k1"), async, seen);
    queue.wait_for_work();
  }
  queue.run_one();
  EXPECT_FALSE(seen.outcome);
}

TEST_F(LibraryTest, coroutine_learns_that_its_client_has_gone) {
  testing::SilentServer silent;
  cs::ClientOptions wanted = options();
  wanted.connect_to = silent.address();
  std::optional<cs::Client> client = make(std::move(wanted));
  Queue queue;
  Seen seen;
  cs::AsyncOptions async;
  async.post = queue.poster();
  const Owned running = pay(*client, payment_request(), async, seen);
  silent.wait_for_connections(1);
  std::optional<cs::PendingCall> kept = client->async_call(payment_request());
  client.reset();
  queue.run_one();
  ASSERT_TRUE(seen.outcome);
  EXPECT_EQ(seen.outcome->kind, cs::OutcomeKind::not_sent);
  EXPECT_EQ(seen.outcome->code, "client.stopped");
  EXPECT_FALSE(kept->await_suspend(std::noop_coroutine())) << "over at once";
  EXPECT_EQ(kept->await_resume().code, "client.stopped");
}

TEST_F(LibraryTest, coroutine_is_told_of_cancellation) {
  testing::SilentServer silent;
  cs::ClientOptions wanted = options();
  wanted.connect_to = silent.address();
  const cs::Client client = make(std::move(wanted));
  Queue queue;
  Seen seen;
  std::stop_source stop;
  cs::AsyncOptions async;
  async.post = queue.poster();
  async.stop = stop.get_token();
  const Owned running = pay(client, payment_request(), async, seen);
  silent.wait_for_connections(1);
  stop.request_stop();
  queue.run_one();
  EXPECT_EQ(seen.outcome->code, "client.cancelled");
}

}  // namespace
}  // namespace countersign::e2e
