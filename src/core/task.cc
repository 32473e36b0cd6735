#include "core/task.h"

#include <array>

namespace countersign::task_detail {
namespace {

// Free frames in steps of 64 bytes up to 4 KiB, at most 256 of a size per thread; larger or more go
// to the heap.
constexpr size_t step = 64;
constexpr size_t classes = 64;
constexpr int kept_max = 256;  // some for each of as many busy connections

struct FreeFrame {
  FreeFrame* next;
};

struct FramePool {
  std::array<FreeFrame*, classes> free{};
  std::array<int, classes> count{};
  ~FramePool() {
    for (FreeFrame* frame : free) {
      while (frame) ::operator delete(std::exchange(frame, frame->next));
    }
  }
};

thread_local FramePool pool;

size_t class_of(size_t size) {
  return (size - 1) / step;
}

// Under a sanitizer each frame comes from the heap, so that a use after free is seen.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool reuse = false;
#else
constexpr bool reuse = true;
#endif

}  // namespace

void* allocate_frame(size_t size) {
  const size_t index = class_of(size);
  if (!reuse || index >= classes) return ::operator new(size);
  if (FreeFrame* frame = pool.free[index]) {
    pool.free[index] = frame->next;
    --pool.count[index];
    return frame;
  }
  return ::operator new((index + 1) * step);
}

void free_frame(void* frame, size_t size) noexcept {
  const size_t index = class_of(size);
  if (!reuse || index >= classes || pool.count[index] >= kept_max) {
    ::operator delete(frame);
    return;
  }
  auto* free = static_cast<FreeFrame*>(frame);
  free->next = pool.free[index];
  pool.free[index] = free;
  ++pool.count[index];
}

}  // namespace countersign::task_detail
