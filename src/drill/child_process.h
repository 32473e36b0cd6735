// Programs started as children: servers whose log is followed, commands that run to their end.
//
// Waiting is for an event (a line of output, the end), never for a time.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "core/result.h"
#include "net/fd.h"

namespace countersign::drill {

struct Command {
  std::vector<std::string> argv;  // argv[0] is a path
  std::string input;              // given on standard input, which then ends
};

struct Finished {
  int exit_code = 0;  // 128 + signal if it was killed
  std::string output;
  std::string errors;
};

// Runs to the end. `drill.cannot_start` if there is no such program.
Result<Finished> run_command(const Command& command);

// A child that serves. Its output is collected; killed and waited for in the destructor.
class ChildProcess final {
 public:
  static Result<std::unique_ptr<ChildProcess>> start(const Command& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The first line of output or log, from line number `from` on, for which `wanted` is true. Blocks
  // until it comes; `drill.child_ended` with the tail of the log if the child ends before.
  Result<std::string> wait_for_line(const std::function<bool(std::string_view)>& wanted,
                                    size_t from = 0);
  size_t lines() const;        // so far: for `from`
  std::string output() const;  // everything so far

  void signal(int number);
  // SIGTERM, and waits. The exit code, 128 + signal if it was killed.
  int terminate();
  // SIGKILL, and waits: as a crash.
  void kill();

 private:
  ChildProcess(Command command, pid_t pid, net::Fd output);
  void collect();
  int wait_for_end();

  const Command command_;
  pid_t pid_;
  net::Fd output_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  std::string partial_;
  bool ended_ = false;
  std::optional<int> exit_code_;
  std::thread collector_;
};

}  // namespace countersign::drill
