// Randomness comes in by constructor, so that tests can be repeated. What keys and tokens are made
// of is the system's CSPRNG.

#pragma once

#include <cstdint>
#include <span>

#include "core/bytes.h"

namespace countersign {

class Entropy {
 public:
  virtual ~Entropy() = default;
  // Fills all of `out`. Never short, never blocks after boot; thread-safe.
  virtual void fill(std::span<uint8_t> out) = 0;

  Bytes bytes(size_t count);
  // Uniform in [0, 1), for jitter.
  double unit();
};

// getrandom(2). Aborts if the kernel has none to give.
class SystemEntropy final : public Entropy {
 public:
  void fill(std::span<uint8_t> out) override;
};

}  // namespace countersign
