#include "net/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace countersign::net {
namespace {

constexpr int events_max = 256;  // of one wait; the kernel keeps the others in turn
// Waits are measured without the time in which the machine is suspended: look at the clock at least
// this often.
constexpr BootClock::duration wait_max = std::chrono::seconds(1);

BootTime read_clock() {
  return SystemClock().boot_now();
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !wake.valid()) {
    return fail(system_error(ErrorKind::unavailable, "net.loop_failed", "no event loop can be made",
                             "epoll_create1, eventfd", errno));
  }
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return fail(system_error(ErrorKind::unavailable, "net.loop_failed", "no event loop can be made",
                             "epoll_ctl", errno));
  }
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wake)));
}

Loop::Loop(Fd epoll, Fd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)), now_(read_clock()), deadlines_(now_) {}

Loop::~Loop() {
  tasks_.cancel_all();
  end_of_turn_.clear();
  std::vector<std::move_only_function<void()>> unheard;
  const std::lock_guard lock(posted_mutex_);
  unheard.swap(posted_);  // destroyed after the lock is released
}

void Loop::run() {
  while (!stop_.exchange(false)) turn(true);
}

void Loop::stop() {
  stop_ = true;
  wake_up();
}

void Loop::turn(bool wait) {
  note_events(wait ? timeout_in_ms() : 0);
  now_ = read_clock();
  ++turn_number_;
  if (deadlines_.next() <= now_) deadlines_.sweep(now_);
  run_ready();
  if (has_posted_.load(std::memory_order_relaxed)) run_posted();
  if (timers_.next() <= now_) timers_.fire_due(now_);
  if (!end_of_turn_.empty()) run_end_of_turn();
}

int Loop::timeout_in_ms() const {
  if (!ready_.empty() || !end_of_turn_.empty() || stop_ || has_posted_) return 0;
  const BootTime next = std::min(timers_.next(), deadlines_.next());
  if (next == BootTime::max()) return -1;
  if (next - wait_max >= now_) return static_cast<int>(wait_max / std::chrono::milliseconds(1));
  // Rounded up, so that a timer is due when the wait ends.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - read_clock());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

void Loop::note_events(int timeout) {
  std::array<epoll_event, events_max> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), events_max, timeout);
  if (count < 0 && errno != EINTR) panic("epoll_wait failed");
  for (int i = 0; i < count; ++i) {
    if (auto* watched = static_cast<Watched*>(events[i].data.ptr)) {
      watched->on_events(events[i].events);
    }
  }
}

void Loop::run_ready() {
  LinkedList<Wakeup> batch;
  batch.take_all(ready_);
  while (!batch.empty()) batch.pop_front().run();
}

void Loop::run_posted() {
  std::vector<std::move_only_function<void()>> batch;
  {
    const std::lock_guard lock(posted_mutex_);
    has_posted_ = false;
    batch.swap(posted_);
  }
  for (auto& work : batch) work();
}

void Loop::run_end_of_turn() {
  std::vector<std::move_only_function<void()>> batch;
  batch.swap(end_of_turn_);
  for (auto& work : batch) work();
  batch.clear();
  if (end_of_turn_.empty()) end_of_turn_.swap(batch);  // keeps its capacity
}

void Loop::post(std::move_only_function<void()> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
    if (has_posted_.exchange(true)) return;  // whoever set it woke the loop
  }
  wake_up();
}

void Loop::wake_up() {
  const uint64_t one = 1;
  // Cannot fail but for an overflow of the counter, after 2^64 - 2 writes.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void Loop::spawn(Task<void> task) {
  tasks_.spawn(std::move(task));
}

void Loop::at_end_of_turn(std::move_only_function<void()> work) {
  end_of_turn_.push_back(std::move(work));
}

Result<void> Loop::watch(int fd, uint32_t events, Watched& watched) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail(system_error(ErrorKind::unavailable, "net.watch_failed",
                             "a descriptor cannot be watched", "epoll_ctl", errno));
  }
  return {};
}

void Loop::unwatch(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace countersign::net
