#include "http/scratch.h"

#include <cstring>
#include <vector>

#include "core/secret.h"

namespace countersign::http {
namespace {

constexpr size_t kept_max = 256;                // of a thread
constexpr size_t kept_capacity_min = 4 << 10;   // a head or a small message without growing
constexpr size_t kept_capacity_max = 64 << 10;  // larger ones are rare and not worth keeping

thread_local std::vector<std::string> spare;

}  // namespace

std::string take_scratch() {
  std::string buffer;
  if (spare.empty()) {
    buffer.reserve(kept_capacity_min);
  } else {
    buffer = std::move(spare.back());
    spare.pop_back();
  }
  return buffer;
}

void give_scratch(std::string&& buffer, bool secret) {
  if (secret) explicit_bzero(buffer.data(), buffer.size());
  buffer.clear();
  const bool worth_keeping =
      buffer.capacity() >= kept_capacity_min && buffer.capacity() <= kept_capacity_max;
  if (worth_keeping && spare.size() < kept_max) {
    spare.push_back(std::move(buffer));
  } else {
    std::string().swap(buffer);
  }
}

}  // namespace countersign::http
