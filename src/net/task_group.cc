#include "net/task_group.h"

namespace countersign::net {

// The frame around a task. It destroys itself when the task has ended, and by that leaves the
// group.
struct TaskGroup::Root {
  struct promise_type : task_detail::PromiseBase, RootLink {
    TaskGroup& group;
    promise_type(TaskGroup& owner, Task<void>& /*task*/) : group(owner) {
      group.roots_.push_back(*this);
      ++group.size_;
    }
    ~promise_type() { --group.size_; }
    void destroy() override { std::coroutine_handle<promise_type>::from_promise(*this).destroy(); }
    Root get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
  };
};

TaskGroup::Root TaskGroup::run_root(TaskGroup& /*group*/, Task<void> task) {
  co_await std::move(task);
}

void TaskGroup::spawn(Task<void> task) {
  run_root(*this, std::move(task));
}

void TaskGroup::cancel_all() {
  while (!roots_.empty()) roots_.back().destroy();
}

}  // namespace countersign::net
