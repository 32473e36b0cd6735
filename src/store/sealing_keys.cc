#include "store/sealing_keys.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "core/ascii.h"

namespace countersign::store {
namespace {

constexpr std::string_view purpose = "countersign store sealing 1";
constexpr size_t table_bytes_max = 64;

std::unexpected<Error> refused(std::string_view code, std::string_view text) {
  return fail(ErrorKind::misconfigured, code, text);
}

struct Line {
  uint32_t version;
  Secret key;
};

Result<uint32_t> parse_version(std::string_view digits) {
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error == std::errc::result_out_of_range || version > SealingKeys::version_max ||
      digits == "0")
    return refused("sealing.bad_version", "A sealing key's version is a number from 1 to 1000000.");
  if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with('0'))
    return refused("sealing.malformed", "A line of a key file is \"VERSION:KEY\".");
  return version;
}

Result<Line> parse_line(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos)
    return refused("sealing.malformed", "A line of a key file is \"VERSION:KEY\".");
  CS_TRY(const uint32_t version, parse_version(line.substr(0, colon)));
  auto bytes = decode_base64url(line.substr(colon + 1));
  if (!bytes || bytes->size() != crypto::AeadKey::key_bytes) {
    if (bytes) wipe(*bytes);
    return refused("sealing.malformed", "A sealing key is the base64url of 32 bytes.");
  }
  return Line{version, Secret::take(*std::move(bytes))};
}

void append_number(Bytes& out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(number >> shift));
}

void append_text(Bytes& out, std::string_view text) {
  const ByteView bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Everything in it has a fixed or a stated length, up to the name, which is the rest.
Bytes associated_data(uint32_t key_version, const SealedRow& row) {
  if (row.table.size() > table_bytes_max) panic("a table's name is too long to be sealed for");
  Bytes out;
  append_text(out, purpose);
  append_number(out, key_version);
  append_number(out, row.generation);
  append_number(out, row.table.size());
  append_text(out, row.table);
  append_text(out, row.name);
  return out;
}

}  // namespace

Result<SealingKeys> SealingKeys::parse(const Secret& file, std::optional<uint32_t> seal_with) {
  SealingKeys keys;
  std::string_view rest = file.unsafe_reveal_text();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with('#')) continue;
    CS_TRY(Line parsed, parse_line(line));
    if (keys.by_version_.size() >= keys_max)
      return refused("sealing.too_many", "The key file holds more than 64 keys.");
    CS_TRY(crypto::AeadKey key, crypto::AeadKey::create(std::move(parsed.key)));
    if (!keys.by_version_
             .emplace(parsed.version, std::make_shared<const crypto::AeadKey>(std::move(key)))
             .second) {
      return refused("sealing.bad_version", "The key file gives a version twice.");
    }
  }
  if (keys.by_version_.empty()) return refused("sealing.none", "The key file holds no key.");
  keys.seals_ = seal_with.value_or(keys.by_version_.rbegin()->first);
  if (!keys.by_version_.contains(keys.seals_)) {
    return refused("sealing.no_such_version",
                   "The key file holds no key of the version that is to seal.");
  }
  return keys;
}

Secret SealingKeys::new_line(uint32_t version, Entropy& entropy) {
  Bytes bytes = entropy.bytes(crypto::AeadKey::key_bytes);
  std::string encoded = encode_base64url(bytes);
  std::string line = std::to_string(version);
  line.reserve(line.size() + encoded.size() + 2);
  line.append(":").append(encoded).append("\n");
  wipe(bytes);
  wipe(encoded);
  return Secret::take(std::move(line));
}

Result<Sealed> SealingKeys::seal(ByteView plaintext, const SealedRow& row, Entropy& entropy) const {
  const auto& key = by_version_.at(seals_);
  CS_TRY(Bytes bytes, key->seal(plaintext, associated_data(seals_, row), entropy));
  return Sealed{.bytes = std::move(bytes), .key_version = seals_};
}

Result<Secret> SealingKeys::open(ByteView sealed, uint32_t key_version,
                                 const SealedRow& row) const {
  const auto found = by_version_.find(key_version);
  if (found == by_version_.end()) {
    return fail(ErrorKind::unavailable, "sealing.unknown_version",
                "What is stored is sealed under a key that this process does not have.",
                "key version " + std::to_string(key_version) + " is not in the key file");
  }
  return found->second->open(sealed, associated_data(key_version, row));
}

}  // namespace countersign::store
