// Addresses, networks and endpoints: what is accepted is written and read back as the same value.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/ip_address.h"

namespace {

template <typename T>
void check(std::string_view input) {
  const auto value = T::parse(input);
  if (!value) return;
  const auto again = T::parse(value->to_string());
  if (!again || *again != *value) countersign::panic("an address changed its meaning");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check<countersign::IpAddress>(input);
  check<countersign::Network>(input);
  check<countersign::Endpoint>(input);
  return 0;
}
