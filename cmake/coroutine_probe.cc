// Exits 0 if temporaries of an awaited expression are made and destroyed exactly once each.
#include <coroutine>
#include <exception>
#include <string>
#include <utility>

int live = 0;
struct Counted {
  std::string text = "a string that is too long for the small buffer of std::string";
  Counted() { ++live; }
  Counted(const Counted& other) : text(other.text) { ++live; }
  Counted(Counted&& other) noexcept : text(std::move(other.text)) { ++live; }
  ~Counted() { --live; }
};
struct Options {
  Counted first;
  Counted second;
};
struct Task {
  struct promise_type {
    std::coroutine_handle<> caller;
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
        return h.promise().caller ? h.promise().caller : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
  Task(std::coroutine_handle<promise_type> h) : handle(h) {}
  Task(Task&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Task() {
    if (handle) handle.destroy();
  }
  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
    handle.promise().caller = h;
    return handle;
  }
  void await_resume() {}
};
Task take(Options options) {
  if (options.first.text.empty()) --live;
  co_return;
}
template <typename F>
Task call(F f) {
  f();
  co_return;
}
Task outer() {
  Counted kept;
  co_await take({.first = kept, .second = {}});
  co_await call([kept] { (void)kept.text.size(); });
}
int main() {
  {
    Task task = outer();
    task.handle.resume();
  }
  return live == 0 ? 0 : 1;
}
