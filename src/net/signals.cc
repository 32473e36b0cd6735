#include "net/signals.h"

#include <cerrno>

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

namespace countersign::net {

Result<std::unique_ptr<Signals>> Signals::create(Loop& loop, const std::vector<int>& numbers,
                                                 std::function<void(int)> on_signal) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) {
    return fail(system_error(ErrorKind::unavailable, "net.signals_failed",
                             "signals cannot be received", "signalfd", errno));
  }
  std::unique_ptr<Signals> signals(new Signals(loop, std::move(fd), std::move(on_signal)));
  CS_CHECK(loop.watch(signals->fd_.get(), EPOLLIN, *signals));
  return signals;
}

Signals::Signals(Loop& loop, Fd fd, std::function<void(int)> on_signal)
    : loop_(loop), fd_(std::move(fd)), on_signal_(std::move(on_signal)) {}

Signals::~Signals() {
  loop_.unwatch(fd_.get());
}

void Signals::on_events(uint32_t /*events*/) {
  loop_.schedule(*this);
}

void Signals::run() {
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return;
  on_signal_(static_cast<int>(info.ssi_signo));  // may destroy this; others are reported again
}

}  // namespace countersign::net
