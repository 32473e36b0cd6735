// H2Noise: what a peer may do in a window of time without moving anything on. A client that gives
// up calls now and then stays far below; without a bound, taking streams back as fast as they are
// opened is the attack CVE-2023-44487.

#pragma once

#include "core/clock.h"

namespace countersign::http {

class H2Noise final {
 public:
  static constexpr std::chrono::seconds window{10};
  static constexpr int resets_max = 200;        // streams taken back before their answer
  static constexpr int idle_frames_max = 1000;  // PING, SETTINGS, PRIORITY, empty DATA

  explicit H2Noise(BootTime now) : began_(now) {}

  void advance(BootTime now) {
    if (now - began_ < window) return;
    began_ = now;
    resets_ = idle_frames_ = 0;
  }
  // False: that was one too many.
  bool allow_reset() { return ++resets_ <= resets_max; }
  bool allow_idle_frame() { return ++idle_frames_ <= idle_frames_max; }

 private:
  BootTime began_;
  int resets_ = 0;
  int idle_frames_ = 0;
};

}  // namespace countersign::http
