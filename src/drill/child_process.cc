#include "drill/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drill/observer.h"

extern char** environ;

namespace countersign::drill {
namespace {

struct Pipe {
  net::Fd read;
  net::Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::unavailable, "drill.cannot_start", "no pipe can be made",
                std::strerror(errno));
  }
  return Pipe{net::Fd(ends[0]), net::Fd(ends[1])};
}

// Starts the program with these descriptors as 0, 1 and 2. Signals are as in a fresh process.
Result<pid_t> spawn(const std::vector<std::string>& argv, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return fail(ErrorKind::unavailable, "drill.cannot_start", argv[0] + " cannot be started",
                std::strerror(error));
  }
  return pid;
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_code_of(status);
}

// Appends what can be read; false at the end.
bool read_some(int fd, std::string& into) {
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  do {
    got = read(fd, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  into.append(buffer.data(), static_cast<size_t>(got));
  return true;
}

void read_both(int out, int err, Finished& finished) {
  std::array<pollfd, 2> watched{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[0].revents != 0 && !read_some(out, finished.output)) watched[0].fd = -1;
    if (watched[1].revents != 0 && !read_some(err, finished.errors)) watched[1].fd = -1;
  }
}

}  // namespace

Result<Finished> run_command(const Command& command) {
  CS_TRY(Pipe in, make_pipe());
  CS_TRY(Pipe out, make_pipe());
  CS_TRY(Pipe err, make_pipe());
  CS_TRY(const pid_t pid, spawn(command.argv, in.read.get(), out.write.get(), err.write.get()));
  in.read = net::Fd();
  out.write = net::Fd();
  err.write = net::Fd();
  // Small inputs only: they fit into the pipe, so that this cannot block.
  if (!command.input.empty() &&
      write(in.write.get(), command.input.data(), command.input.size()) < 0) {
    ::kill(pid, SIGKILL);
  }
  in.write = net::Fd();
  Finished finished;
  read_both(out.read.get(), err.read.get(), finished);
  finished.exit_code = wait_for(pid);
  if (Observer* hears = observer()) hears->ended(command, finished.output, finished.errors);
  return finished;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const Command& command) {
  const net::Fd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CS_TRY(Pipe out, make_pipe());
  CS_TRY(const pid_t pid, spawn(command.argv, nothing.get(), out.write.get(), out.write.get()));
  return std::unique_ptr<ChildProcess>(new ChildProcess(command, pid, std::move(out.read)));
}

ChildProcess::ChildProcess(Command command, pid_t pid, net::Fd output)
    : command_(std::move(command)),
      pid_(pid),
      output_(std::move(output)),
      collector_([this] { collect(); }) {}

ChildProcess::~ChildProcess() {
  if (!exit_code_) kill();
  collector_.join();
  if (Observer* hears = observer()) hears->ended(command_, output(), "");
}

void ChildProcess::collect() {
  for (bool more = true; more;) {
    std::string piece;
    more = read_some(output_.get(), piece);
    const std::lock_guard lock(mutex_);
    partial_ += piece;
    for (size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
      lines_.push_back(partial_.substr(0, end));
      partial_.erase(0, end + 1);
    }
    ended_ = !more;
    changed_.notify_all();
  }
}

Result<std::string> ChildProcess::wait_for_line(const std::function<bool(std::string_view)>& wanted,
                                                size_t from) {
  std::unique_lock lock(mutex_);
  for (size_t next = from;; ++next) {
    changed_.wait(lock, [&] { return next < lines_.size() || ended_; });
    if (next >= lines_.size()) break;
    if (wanted(lines_[next])) return lines_[next];
  }
  std::string tail;
  for (size_t i = lines_.size() > 10 ? lines_.size() - 10 : 0; i < lines_.size(); ++i)
    tail += lines_[i] + "\n";
  return fail(ErrorKind::unavailable, "drill.child_ended", "the program ended before it was ready",
              tail);
}

size_t ChildProcess::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_.size();
}

std::string ChildProcess::output() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& line : lines_) all += line + "\n";
  return all + partial_;
}

void ChildProcess::signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

int ChildProcess::terminate() {
  signal(SIGTERM);
  return wait_for_end();
}

void ChildProcess::kill() {
  signal(SIGKILL);
  wait_for_end();
}

int ChildProcess::wait_for_end() {
  if (!exit_code_) exit_code_ = wait_for(pid_);
  return *exit_code_;
}

}  // namespace countersign::drill
