// What a TokenSlot::Reader shares with work that the home thread posts to its loop. Private to
// slot.cc and slot_reader.cc.

#pragma once

#include "consumer/slot.h"

namespace countersign::consumer {

// Kept alive by its Reader alone: posted work that comes later finds nothing and does nothing.
struct TokenSlot::LoopSide {
  explicit LoopSide(Executor& executor) : changed(executor) {}
  Event changed;
  bool asked = false;  // the home thread has been told that somebody waits
};

}  // namespace countersign::consumer
