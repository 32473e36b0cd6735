// API keys and client secrets: how they are written, made, checked for typos and stored.
//
//   cs_<env>_<key id>_<secret>_<checksum>     an API key:       cs_live_4fX…_9a…_0Kd3Zq
//   css_<env>_<key id>_<secret>_<checksum>    a client secret:  css_live_…
//
// For secret scanners, one expression finds both:
//   \bcss?_[a-z][a-z0-9]{1,11}_[0-9A-Za-z]{12}_[0-9A-Za-z]{33}_[0-9A-Za-z]{6}\b
//
// The key id is public: it finds the record and may be logged. The secret carries 196 bits of the
// system's CSPRNG. The checksum (CRC-32 of all before its underscore) finds typos before any
// lookup; it protects nothing else. At rest there is only an HMAC-SHA-256 under a pepper
// (pepper.h): with that much entropy a slow password hash would add nothing but delay.
//
// This does not look anything up and does not say whether a key is known, live or revoked.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "protocol/pepper.h"

namespace countersign::protocol {

enum class KeyKind : uint8_t { api_key, client_secret };

inline constexpr size_t key_id_chars = 12;
inline constexpr size_t key_secret_chars = 33;  // 33 * log2(62) = 196.5 bits
inline constexpr size_t key_checksum_chars = 6;
inline constexpr size_t key_environment_chars_max = 12;
inline constexpr size_t key_text_bytes_max = 80;  // nothing longer is looked at

// The parts of a well-formed key. All are views into the parsed text.
struct ApiKeyView {
  KeyKind kind = KeyKind::api_key;
  std::string_view environment;
  std::string_view id;      // public
  std::string_view secret;  // never logged
  std::string_view
      signed_part;  // everything before the checksum: what mac_of() covers; never logged
};

// Strict: kind, lengths, alphabets and checksum must all hold. One error, `api_key.malformed`,
// whatever is wrong; it repeats nothing of the text. Fails closed.
Result<ApiKeyView> parse_api_key(std::string_view text);
Result<ApiKeyView> parse_client_secret(std::string_view text);

// "live", "test": 2 to 12 characters, lower-case letters and digits, a letter first
// (`api_key.bad_environment`).
Result<void> check_key_environment(std::string_view environment);

// A key as it is shown once to the one who will use it.
struct ApiKey {
  KeyKind kind = KeyKind::api_key;
  std::string environment;
  std::string id;
  Secret text;  // the whole key

  // Independent of every key made before. `api_key.bad_environment`.
  static Result<ApiKey> generate(std::string_view environment, Entropy& entropy,
                                 KeyKind kind = KeyKind::api_key);
};

// HMAC-SHA-256 over kind, environment, id and secret: a key's MAC verifies for no other id, kind or
// environment.
KeyMac mac_of(const ApiKeyView& key, const Pepper& pepper);

// Compares in constant time. Fails closed.
bool mac_matches(const ApiKeyView& key, const Pepper& pepper, const KeyMac& stored);

}  // namespace countersign::protocol
