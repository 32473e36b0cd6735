// FileBell: a thread waits until a file's time stamp is touched, until it is told to stop, or for a
// time at most.

#pragma once

#include <chrono>
#include <string>

namespace countersign::store {

class FileBell final {
 public:
  // Without inotify (none left, a file system that lacks it) wait() only times out.
  FileBell();
  FileBell(const FileBell&) = delete;
  FileBell& operator=(const FileBell&) = delete;
  ~FileBell();

  // From now on it is this file, by its present inode: after the file was replaced, call again.
  void listen_to(const std::string& path);
  // Returns early when the bell rings or stop() was called, at once if that happened since the last
  // wait().
  void wait(std::chrono::milliseconds at_most);
  // Any thread. wait() returns at once from then on.
  void stop();

 private:
  void drain();
  int inotify_ = -1;
  int watched_ = -1;
  int stop_event_ = -1;
};

}  // namespace countersign::store
