#include "core/entropy.h"

#include <cerrno>
#include <cstring>

#include <sys/random.h>

namespace countersign {

Bytes Entropy::bytes(size_t count) {
  Bytes out(count);
  fill(out);
  return out;
}

double Entropy::unit() {
  uint64_t bits = 0;
  fill({reinterpret_cast<uint8_t*>(&bits), sizeof bits});
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

void SystemEntropy::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      panic("getrandom failed");
    }
    out = out.subspan(static_cast<size_t>(got));
  }
}

}  // namespace countersign
