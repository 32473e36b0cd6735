// Key files of a token store: what parses has a key that seals, and what it seals it opens again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/entropy.h"
#include "store/sealing_keys.h"

namespace {

using namespace countersign;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto keys = store::SealingKeys::parse(Secret::copy_of(input));
  if (!keys) return 0;
  check(keys->version() >= 1 && keys->version() <= store::SealingKeys::version_max);
  SystemEntropy entropy;
  const store::SealedRow row{.table = "t", .name = input, .generation = size};
  const auto sealed = keys->seal(as_bytes("token"), row, entropy);
  check(sealed && sealed->key_version == keys->version());
  const auto opened = keys->open(sealed->bytes, sealed->key_version, row);
  check(opened && opened->unsafe_reveal_text() == "token");
  check(!keys->open(sealed->bytes, sealed->key_version + 1, row));
  return 0;
}
