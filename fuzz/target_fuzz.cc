// Paths, queries, URLs. A canonical path decodes to what encodes to the path again, but for
// characters that may stand either way.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "http/target.h"

namespace {

using namespace countersign;
using namespace countersign::http;

void require(bool holds, std::string_view what) {
  if (!holds) panic(what);
}

void check_path(std::string_view input) {
  const auto path = parse_canonical_path(input);
  if (!path) return;
  require(path->text() == input && is_target_text(input),
          "a canonical path that no request line may hold");
  const auto decoded = decode_percent(input, PlusSign::literal);
  require(decoded.has_value(), "a canonical path cannot be decoded");
  require(decoded->find('\\') == std::string::npos && decoded->find(';') == std::string::npos &&
              decoded->find("//") == std::string::npos && decoded->find('%') == std::string::npos,
          "a canonical path hides structure");
  const std::string closed = *decoded + "/";
  require(closed.find("/../") == std::string::npos && closed.find("/./") == std::string::npos,
          "a canonical path hides a dot segment");
  // Decoding twice changes nothing: there is nothing left to decode.
  std::string encoded;
  append_percent_encoded(encoded, *decoded);
  require(decode_percent(encoded, PlusSign::literal).value() == *decoded,
          "encoding is not undone by decoding");
}

void check_url(std::string_view input) {
  const auto url = parse_url(input);
  if (!url) return;
  const auto again = parse_url(url->to_string());
  require(again.has_value() && *again == *url, "a URL changed its meaning");
  require(is_authority(url->authority()), "a URL without an authority");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_path(input);
  check_url(input);
  QueryReader reader(split_target(input).query);
  size_t parameters = 0;
  while (auto parameter = reader.next()) {
    require(++parameters <= size, "an endless query");
    require(!*parameter || !(*parameter)->name.empty(), "a parameter without a name");
  }
  is_authority(input);
  return 0;
}
