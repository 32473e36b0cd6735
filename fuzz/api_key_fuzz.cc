// API keys and client secrets, from anyone: what parses is exactly what generate() could have
// written, and nothing is both a key and a client secret. Pepper files too.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/api_key.h"
#include "protocol/decision_id.h"
#include "protocol/token_id.h"

namespace {

using namespace countersign;
using namespace countersign::protocol;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_view(const ApiKeyView& key, std::string_view text, std::string_view prefix) {
  check(key.id.size() == key_id_chars);
  check(key.secret.size() == key_secret_chars);
  check(check_key_environment(key.environment).has_value());
  std::string again(prefix);
  again.append(key.environment).append("_").append(key.id).append("_").append(key.secret);
  check(key.signed_part == again);
  check(text.size() == again.size() + 1 + key_checksum_chars);
  check(text.starts_with(again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto key = parse_api_key(input);
  const auto secret = parse_client_secret(input);
  check(!(key && secret));
  if (key) check_view(*key, input, "cs_");
  if (secret) check_view(*secret, input, "css_");
  if (const auto id = TokenId::parse(input)) check(id->to_string() == input);
  if (const auto id = DecisionId::parse(input)) check(id->text() == input);
  if (const auto peppers = Peppers::parse(Secret::copy_of(input))) {
    check(peppers->find(peppers->newest().version()) != nullptr);
  }
  return 0;
}
