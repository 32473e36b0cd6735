// TaskGroup: Tasks that run by themselves until they end or the group is destroyed. One thread.

#pragma once

#include <cstddef>

#include "core/task.h"
#include "net/linked.h"

namespace countersign::net {

class TaskGroup final {
 public:
  TaskGroup() = default;
  ~TaskGroup() { cancel_all(); }

  // Starts `task` now. Its frame is destroyed when it ends.
  void spawn(Task<void> task);
  // Destroys the frames of all tasks, latest first, and of those that they spawn meanwhile. Not
  // from inside one of them.
  void cancel_all();
  size_t size() const { return size_; }

 private:
  struct Root;
  struct RootLink : Linked {
    virtual void destroy() = 0;

   protected:
    ~RootLink() = default;
  };
  static Root run_root(TaskGroup& group, Task<void> task);

  LinkedList<RootLink> roots_;
  size_t size_ = 0;
};

}  // namespace countersign::net
