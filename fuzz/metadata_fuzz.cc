// An authorization server's metadata: what is accepted names the expected issuer and https
// endpoints only. The first line of the input is the expected issuer, the rest is the document.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/https_url.h"
#include "protocol/metadata.h"

namespace {

using namespace countersign::protocol;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view issuer = input.substr(0, end);
  if (const auto path = well_known_path(issuer)) check(path->starts_with(well_known_prefix));
  const auto metadata = parse_metadata(input.substr(std::min(end + 1, input.size())), issuer);
  if (!metadata) return 0;
  check(metadata->issuer == issuer);
  for (const bool mutual_tls : {false, true}) {
    check(split_https_url(metadata->token_endpoint_for(mutual_tls)).has_value());
  }
  const auto again = parse_metadata(write_metadata(*metadata), issuer);
  check(again && again->token_endpoint == metadata->token_endpoint);
  check(again->scopes_supported == metadata->scopes_supported);
  return 0;
}
