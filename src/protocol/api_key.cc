#include "protocol/api_key.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace countersign::protocol {
namespace {

constexpr std::string_view base62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr size_t environment_chars_min = 2;
// What follows the environment: _<id>_<secret>_<checksum>.
constexpr size_t tail_chars = 3 + key_id_chars + key_secret_chars + key_checksum_chars;

constexpr std::string_view prefix_of(KeyKind kind) {
  return kind == KeyKind::api_key ? "cs_" : "css_";
}

// CRC-32 (IEEE 802.3, reflected), a nibble at a time.
uint32_t crc32(std::string_view text) {
  static constexpr std::array<uint32_t, 16> table = [] {
    std::array<uint32_t, 16> entries{};
    for (uint32_t i = 0; i < entries.size(); ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 4; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xedb88320u : 0);
      entries[i] = value;
    }
    return entries;
  }();
  uint32_t crc = 0xffffffffu;
  for (const uint8_t byte : as_bytes(text)) {
    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 15];
    crc = (crc >> 4) ^ table[crc & 15];
  }
  return ~crc;
}

std::array<char, key_checksum_chars> checksum_of(std::string_view text) {
  std::array<char, key_checksum_chars> out;
  uint32_t rest = crc32(text);
  for (size_t i = out.size(); i-- > 0; rest /= 62) out[i] = base62[rest % 62];
  return out;
}

bool is_base62(std::string_view text) {
  return std::ranges::all_of(text, ascii::is_alnum);
}

// Uniform: bytes above the largest multiple of 62 are drawn again.
void append_random_base62(std::string& out, size_t count, Entropy& entropy) {
  std::array<uint8_t, 64> drawn;
  while (count > 0) {
    entropy.fill(drawn);
    for (const uint8_t byte : drawn) {
      if (byte >= 248 || count == 0) continue;
      out += base62[byte % 62];
      --count;
    }
  }
  std::ranges::fill(drawn, uint8_t{0});
}

std::unexpected<Error> malformed() {
  return fail(ErrorKind::invalid_input, "api_key.malformed", "The key is not well-formed.");
}

Result<ApiKeyView> parse_key(std::string_view text, KeyKind kind) {
  const std::string_view prefix = prefix_of(kind);
  if (text.size() > key_text_bytes_max || !text.starts_with(prefix)) return malformed();
  if (text.size() < prefix.size() + environment_chars_min + tail_chars) return malformed();
  const size_t environment_chars = text.size() - prefix.size() - tail_chars;
  ApiKeyView key;
  key.kind = kind;
  key.environment = text.substr(prefix.size(), environment_chars);
  const std::string_view tail = text.substr(prefix.size() + environment_chars);
  if (tail[0] != '_' || tail[1 + key_id_chars] != '_') return malformed();
  if (tail[2 + key_id_chars + key_secret_chars] != '_') return malformed();
  key.id = tail.substr(1, key_id_chars);
  key.secret = tail.substr(2 + key_id_chars, key_secret_chars);
  const std::string_view checksum = tail.substr(3 + key_id_chars + key_secret_chars);
  if (!check_key_environment(key.environment)) return malformed();
  if (!is_base62(key.id) || !is_base62(key.secret)) return malformed();
  key.signed_part = text.substr(0, text.size() - key_checksum_chars - 1);
  const auto expected = checksum_of(key.signed_part);
  if (checksum != std::string_view(expected.data(), expected.size())) return malformed();
  return key;
}

}  // namespace

Result<ApiKeyView> parse_api_key(std::string_view text) {
  return parse_key(text, KeyKind::api_key);
}

Result<ApiKeyView> parse_client_secret(std::string_view text) {
  return parse_key(text, KeyKind::client_secret);
}

Result<void> check_key_environment(std::string_view environment) {
  const bool good =
      environment.size() >= environment_chars_min &&
      environment.size() <= key_environment_chars_max && ascii::is_lower(environment.front()) &&
      std::ranges::all_of(environment,
                          [](char c) { return ascii::is_lower(c) || ascii::is_digit(c); });
  if (good) return {};
  return fail(ErrorKind::invalid_input, "api_key.bad_environment",
              "An environment has 2 to 12 lower-case letters and digits and begins with a letter.");
}

Result<ApiKey> ApiKey::generate(std::string_view environment, Entropy& entropy, KeyKind kind) {
  CS_CHECK(check_key_environment(environment));
  ApiKey key{.kind = kind, .environment = std::string(environment), .id = {}, .text = {}};
  append_random_base62(key.id, key_id_chars, entropy);
  std::string text;
  text.reserve(
      key_text_bytes_max);  // never moved while it grows: no copy of the secret stays behind
  text.append(prefix_of(kind)).append(environment).append("_").append(key.id).append("_");
  append_random_base62(text, key_secret_chars, entropy);
  const auto checksum = checksum_of(text);
  text.append("_").append(checksum.data(), checksum.size());
  key.text = Secret::take(std::move(text));
  return key;
}

KeyMac mac_of(const ApiKeyView& key, const Pepper& pepper) {
  return pepper.key().mac(as_bytes(key.signed_part));
}

bool mac_matches(const ApiKeyView& key, const Pepper& pepper, const KeyMac& stored) {
  return equal_in_constant_time(mac_of(key, pepper), stored);
}

}  // namespace countersign::protocol
