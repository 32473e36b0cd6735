// A token request's body, from anyone: form, then parameters. What is accepted and written again
// reads the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "http/form.h"
#include "protocol/token_messages.h"

namespace {

using namespace countersign;
using namespace countersign::protocol;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto form = http::parse_form(input, {.bytes_max = 8 * 1024});
  if (!form) return 0;
  std::vector<Parameter> parameters;
  for (const auto& [name, value] : form->fields()) parameters.push_back({name, value});
  const auto request = parse_token_request(parameters);
  if (!request) return 0;

  Parameters written = write_token_request(*request);
  std::vector<Parameter> views;
  for (const auto& [name, value] : written) views.push_back({name, value});
  const auto again = parse_token_request(views);
  check(again.has_value());
  check(again->grant_type == request->grant_type && again->client_id == request->client_id);
  check(again->scope == request->scope && again->resources == request->resources);
  check(again->client_secret == request->client_secret);
  check(again->client_assertion == request->client_assertion);
  wipe_parameters(written);
  return 0;
}
