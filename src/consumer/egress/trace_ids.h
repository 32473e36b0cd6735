// TraceIds: random bytes for trace contexts, fetched many at a time so that a request makes no
// system call. They have to be unique, not secret. Belongs to one loop.

#pragma once

#include <algorithm>
#include <array>

#include "core/entropy.h"
#include "protocol/trace_context.h"

namespace countersign::consumer {

class TraceIds final {
 public:
  // Outlives this object.
  explicit TraceIds(Entropy& entropy) : entropy_(entropy) {}

  protocol::TraceContext::RandomBytes next() {
    constexpr size_t bytes = std::tuple_size_v<protocol::TraceContext::RandomBytes>;
    if (used_ == pool_.size()) {
      entropy_.fill(pool_);
      used_ = 0;
    }
    protocol::TraceContext::RandomBytes random;
    std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(used_), bytes, random.begin());
    used_ += bytes;
    return random;
  }

 private:
  static constexpr size_t pool_bytes = 64 * std::tuple_size_v<protocol::TraceContext::RandomBytes>;
  Entropy& entropy_;
  std::array<uint8_t, pool_bytes> pool_{};
  size_t used_ = pool_bytes;
};

}  // namespace countersign::consumer
