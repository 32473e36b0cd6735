// Entropy that repeats: a counter, so that two draws always differ and a test always sees the same.

#pragma once

#include "core/entropy.h"

namespace countersign::testing {

class FakeEntropy final : public Entropy {
 public:
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state_ >> 56);
    }
  }

 private:
  uint64_t state_ = 1;
};

}  // namespace countersign::testing
