#include "protocol/pepper.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "core/ascii.h"

namespace countersign::protocol {
namespace {

constexpr uint32_t version_max = 1'000'000;
constexpr size_t fresh_bytes = 32;

std::unexpected<Error> bad_version() {
  return fail(ErrorKind::misconfigured, "pepper.bad_version",
              "A pepper's version is a number from 1 on, and each stands once.");
}

// One line of the file, neither empty nor a comment. Repeats nothing of it in an error.
Result<Pepper> parse_line(std::string_view line) {
  const auto malformed = [] {
    return fail(ErrorKind::misconfigured, "pepper.malformed",
                "A line of a pepper file is \"<version> <base64url of at least 32 bytes>\".");
  };
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return malformed();
  const std::string_view digits = line.substr(0, space);
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc() || end != digits.data() + digits.size()) return malformed();
  auto bytes = decode_base64url(ascii::trim(line.substr(space)));
  if (!bytes) return malformed();
  return Pepper::create(version, Secret::take(*std::move(bytes)));
}

}  // namespace

Pepper::Pepper(uint32_t version, std::shared_ptr<const crypto::HmacKey> key)
    : version_(version), key_(std::move(key)) {}

Result<Pepper> Pepper::create(uint32_t version, const Secret& bytes) {
  if (version == 0 || version > version_max) return bad_version();
  if (bytes.size() < bytes_min) {
    return fail(ErrorKind::misconfigured, "pepper.too_short", "A pepper has at least 32 bytes.");
  }
  return Pepper(version, std::make_shared<const crypto::HmacKey>(bytes));
}

Peppers::Peppers(Pepper only) {
  const uint32_t version = only.version();
  by_version_.emplace(version, std::move(only));
}

Result<Peppers> Peppers::parse(const Secret& file) {
  Peppers peppers;
  std::string_view rest = file.unsafe_reveal_text();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = ascii::trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with('#')) continue;
    CS_TRY(Pepper pepper, parse_line(line));
    const uint32_t version = pepper.version();
    if (!peppers.by_version_.emplace(version, std::move(pepper)).second) return bad_version();
  }
  if (peppers.by_version_.empty()) {
    return fail(ErrorKind::misconfigured, "pepper.none", "The pepper file holds no pepper.");
  }
  return peppers;
}

Secret Peppers::new_line(uint32_t version, Entropy& entropy) {
  Bytes bytes = entropy.bytes(fresh_bytes);
  std::string encoded = encode_base64url(bytes);
  std::string line = std::to_string(version);
  line.reserve(line.size() + encoded.size() + 2);
  line.append(" ").append(encoded).append("\n");
  wipe(bytes);
  wipe(encoded);
  return Secret::take(std::move(line));
}

const Pepper& Peppers::newest() const {
  return by_version_.rbegin()->second;
}

const Pepper* Peppers::find(int64_t version) const {
  if (version < 1 || version > version_max) return nullptr;
  const auto found = by_version_.find(static_cast<uint32_t>(version));
  return found == by_version_.end() ? nullptr : &found->second;
}

}  // namespace countersign::protocol
