// Whatever a listed peer sends in front of a connection: no read past the end, and what is taken
// has the length that its first bytes say.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::net;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto bytes = proxy_header_bytes(input.substr(0, proxy_prefix_bytes));
  if (bytes && (*bytes < proxy_prefix_bytes || *bytes > proxy_header_bytes_max)) std::abort();
  const auto parsed = parse_proxy_header(input);
  if (parsed && (!bytes || *bytes != size)) std::abort();
  return 0;
}
