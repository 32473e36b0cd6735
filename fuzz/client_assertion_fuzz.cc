// A client assertion's claims. The input is signed with a key of this program, so that everything
// behind the signature is reached; the input as it is must not be taken for an assertion.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/bytes.h"
#include "protocol/client_assertion.h"

namespace {

using namespace countersign;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Fixture {
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::eddsa).value();
  jose::JwkSet keys;
  protocol::ClientAssertionRules rules;
  WallTime now = from_unix_seconds(1'800'000'000);

  Fixture() {
    check(keys.add({key.public_key(), "k"}).has_value());
    rules.client_id = "shop";
    rules.issuer = "https://issuer.example";
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Fixture fixture;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(!protocol::verify_client_assertion(input, fixture.keys, fixture.rules, fixture.now));
  if (const auto client = protocol::parse_asserted_client_id(input)) check(!client->empty());
  const auto assertion =
      jose::sign_jws({data, size}, fixture.key, "k", protocol::client_assertion_typ);
  check(assertion.has_value());
  const auto verified =
      protocol::verify_client_assertion(*assertion, fixture.keys, fixture.rules, fixture.now);
  if (!verified) return 0;
  check(verified->client_id() == "shop" && !verified->jwt_id().empty());
  check(verified->expires_at() > fixture.now);
  check(verified->expires_at() <=
        fixture.now + fixture.rules.clock_skew + fixture.rules.lifetime_max);
  check(protocol::parse_asserted_client_id(*assertion).value() == "shop");
  return 0;
}
