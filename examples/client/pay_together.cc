// Posts several payments at once from coroutines of the program's own type, all on one thread.
//
//   pay_together egress.toml API KEY_PREFIX COUNT < payment.json

#include <charconv>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <functional>
#include <iostream>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>

#include <countersign/client.h>

namespace cs = countersign::client;

namespace {

// The program's own queue of work; with Asio this is an io_context.
class Queue {
 public:
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    changed_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !work_.empty(); });
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

// The program's own coroutine: begins at once and ends by itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached pay(const cs::Client& client, Queue& queue, std::string key, std::string body, int& left) {
  cs::Request payment{.method = "POST",
                      .target = "/v1/payments",
                      .fields = {{"Content-Type", "application/json"}},
                      .body = std::move(body),
                      .idempotency_key = std::move(key)};
  cs::AsyncOptions options;
  options.post = [&queue](std::function<void()> work) { queue.post(std::move(work)); };
  const cs::Outcome outcome = co_await client.async_call(std::move(payment), std::move(options));
  // On the queue's thread again. With the same key an unknown outcome can be settled later.
  std::cout << cs::name_of(outcome.kind) << ' ' << outcome.status << ' ' << outcome.idempotency_key
            << '\n';
  --left;
}

}  // namespace

int main(int argc, char** argv) {
  int left = 0;
  if (argc == 5) std::from_chars(argv[4], argv[4] + std::string_view(argv[4]).size(), left);
  if (left < 1 || left > 1000) {
    std::cerr << "usage: pay_together CONFIG API KEY_PREFIX COUNT(1 to 1000) < payment.json\n";
    return 2;
  }
  const cs::Created made = cs::Client::from_config_file(argv[1], argv[2]);
  if (!made) {
    std::cerr << made.text() << '\n';
    return 2;
  }
  const std::string body(std::istreambuf_iterator<char>(std::cin), {});
  Queue queue;
  const std::string prefix = argv[3];
  for (int i = left; i > 0; --i)
    pay(*made.client, queue, prefix + "-" + std::to_string(i), body, left);
  while (left > 0) queue.run_one();
  return 0;
}
