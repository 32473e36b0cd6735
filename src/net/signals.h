// Signals, delivered to a loop as ordinary events (signalfd).

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "net/loop.h"

namespace countersign::net {

class Signals final : private Watched, private Wakeup {
 public:
  // Blocks `numbers` in the calling thread and in those it starts later, so call it before any
  // thread is started. SIGPIPE is ignored from then on. `on_signal` runs on the loop's thread.
  static Result<std::unique_ptr<Signals>> create(Loop& loop, const std::vector<int>& numbers,
                                                 std::function<void(int)> on_signal);
  // Stops delivery; the signals stay blocked, so that a late one does not end the process half-way
  // through its end.
  ~Signals();

 private:
  Signals(Loop& loop, Fd fd, std::function<void(int)> on_signal);
  void on_events(uint32_t events) override;
  void run() override;
  Loop& loop_;
  Fd fd_;
  std::function<void(int)> on_signal_;
};

}  // namespace countersign::net
