// A JWK set, from an issuer that may be anyone's. What is accepted and written again reads the
// same.

#include <cstdint>
#include <cstdlib>

#include "jose/jwk.h"

namespace {

using namespace countersign;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = as_text({data, size});
  const auto set = jose::JwkSet::parse(input);
  if (set) {
    const auto again = jose::JwkSet::parse(set->to_json());
    check(again.has_value() && again->keys().size() == set->keys().size());
    check(again->to_json() == set->to_json());
    for (const jose::Jwk& jwk : set->keys()) {
      check(jose::thumbprint(jwk.key).size() == 43);
      check(!jwk.key.verify(jwk.algorithm(), {}, Bytes(64)).has_value());
    }
  }
  const auto jwk = jose::parse_jwk(input);
  if (jwk) check(jose::parse_jwk(jose::to_json(*jwk))->key == jwk->key);
  return 0;
}
