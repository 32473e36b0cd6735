#include "store/file_bell.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/error.h"

namespace countersign::store {

FileBell::FileBell()
    : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), stop_event_(eventfd(0, EFD_CLOEXEC)) {
  if (stop_event_ < 0) panic("no file descriptor is left for an eventfd");
}

FileBell::~FileBell() {
  if (inotify_ >= 0) ::close(inotify_);
  ::close(stop_event_);
}

void FileBell::listen_to(const std::string& path) {
  if (inotify_ < 0) return;
  if (watched_ >= 0) inotify_rm_watch(inotify_, watched_);
  // IN_ATTRIB is a touched time stamp, and also a name that was removed.
  watched_ = inotify_add_watch(inotify_, path.c_str(), IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
}

void FileBell::wait(std::chrono::milliseconds at_most) {
  std::array<pollfd, 2> waited_for{{{stop_event_, POLLIN, 0}, {inotify_, POLLIN, 0}}};
  ::poll(waited_for.data(), waited_for.size(),
         static_cast<int>(std::max<int64_t>(at_most.count(), 0)));
  if (waited_for[1].revents != 0) drain();
}

void FileBell::drain() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_, events.data(), events.size()) > 0) {
  }
}

void FileBell::stop() {
  const uint64_t one = 1;
  if (::write(stop_event_, &one, sizeof one) != sizeof one) panic("an eventfd cannot be written");
}

}  // namespace countersign::store
