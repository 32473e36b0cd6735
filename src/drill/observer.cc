#include "drill/observer.h"

#include <atomic>

namespace countersign::drill {
namespace {

std::atomic<Observer*>& installed() {
  static std::atomic<Observer*> observer = nullptr;
  return observer;
}

}  // namespace

void observe(Observer& observer) {
  installed() = &observer;
}

Observer* observer() {
  return installed();
}

}  // namespace countersign::drill
