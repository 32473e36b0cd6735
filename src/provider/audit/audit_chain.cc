#include "provider/audit/audit_chain.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/json.h"

namespace countersign::provider {
namespace {

constexpr std::string_view number_member = ",\"n\":";
constexpr std::string_view hash_member = ",\"hash\":\"";
constexpr std::string_view line_end = "\"}";
constexpr size_t hash_chars = 43;  // base64url of 32 bytes
constexpr size_t number_digits_max = 20;
constexpr std::string_view checkpoint_member = ",\"event\":\"checkpoint\"";

std::unexpected<Error> bad_checkpoint(std::string_view what) {
  return fail(ErrorKind::corrupt, "audit.bad_checkpoint", what);
}

void append_base64url(std::string& out, const crypto::Sha256Digest& hash) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<char, hash_chars> text;
  size_t at = 0;
  for (size_t i = 0; i + 2 < hash.size(); i += 3) {
    const uint32_t bits = static_cast<uint32_t>(hash[i]) << 16 |
                          static_cast<uint32_t>(hash[i + 1]) << 8 | hash[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text[at++] = alphabet[(bits >> shift) & 63];
  }
  const uint32_t rest = static_cast<uint32_t>(hash[30]) << 8 | hash[31];
  text[at++] = alphabet[rest >> 10];
  text[at++] = alphabet[(rest >> 4) & 63];
  text[at++] = alphabet[(rest << 2) & 63];
  out.append(text.data(), text.size());
}

// The number, without leading zeros, and nothing else.
std::optional<uint64_t> parse_number(std::string_view digits) {
  if (digits.empty() || digits.front() == '0') return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<crypto::Sha256Digest> parse_hash(std::string_view text) {
  const auto bytes = decode_base64url(text);
  crypto::Sha256Digest hash;
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

// What is signed. The first line keeps these signatures apart from all others of the same key.
std::string signed_text(const Checkpoint& checkpoint, std::string_view time) {
  return fmt::format("countersign audit checkpoint 1\n{}\n{}\n{}\n{}\n", checkpoint.file,
                     checkpoint.previous.number, encode_hex(checkpoint.previous.hash), time);
}

}  // namespace

void ChainWriter::append(std::string& out, std::string_view line) {
  const size_t start = out.size();
  out.append(line.substr(0, line.size() - 2));  // without "}\n"
  ++head_.number;
  out += number_member;
  const fmt::format_int digits(head_.number);
  out.append(digits.data(), digits.size());
  digest_.update(head_.hash);
  digest_.update(as_bytes(std::string_view(out).substr(start)));
  head_.hash = digest_.finish();
  out += hash_member;
  append_base64url(out, head_.hash);
  out += line_end;
  out += '\n';
}

std::optional<ChainedLine> parse_chained_line(std::string_view line) {
  constexpr size_t tail_chars = hash_member.size() + hash_chars + line_end.size();
  if (line.size() < tail_chars + number_member.size() + 2 || line.front() != '{' ||
      !line.ends_with(line_end)) {
    return std::nullopt;
  }
  const std::string_view content = line.substr(0, line.size() - tail_chars);
  const std::string_view tail = line.substr(content.size());
  if (!tail.starts_with(hash_member)) return std::nullopt;
  const auto hash = parse_hash(tail.substr(hash_member.size(), hash_chars));
  const size_t window = std::min(content.size(), number_member.size() + number_digits_max);
  const size_t at = content.rfind(number_member);
  if (!hash || at == std::string_view::npos || content.size() - at > window) return std::nullopt;
  const auto number = parse_number(content.substr(at + number_member.size()));
  if (!number) return std::nullopt;
  return ChainedLine{.content = content, .point = {.number = *number, .hash = *hash}};
}

crypto::Sha256Digest chain_hash(const crypto::Sha256Digest& previous, std::string_view content) {
  crypto::Sha256Stream digest;
  digest.update(previous);
  digest.update(as_bytes(content));
  return digest.finish();
}

std::string checkpoint_key_id(const crypto::PublicKey& key) {
  return encode_base64url(key.spki_sha256()).substr(0, 16);
}

Result<std::string> write_checkpoint(const Checkpoint& checkpoint, const crypto::PrivateKey& key,
                                     std::string_view node, std::string_view time) {
  CS_TRY(const Bytes signature, key.sign(as_bytes(signed_text(checkpoint, time))));
  std::string line = fmt::format("{{\"time\":\"{}\",\"node\":", time);
  append_json_string(line, node);
  line += checkpoint_member;
  line += fmt::format(
      ",\"file\":{},\"after\":{},\"previous\":\"{}\",\"key\":\"{}\",\"signature\":\"{}\"}}\n",
      checkpoint.file, checkpoint.previous.number, encode_base64url(checkpoint.previous.hash),
      checkpoint_key_id(key.public_key()), encode_base64url(signature));
  return line;
}

bool is_checkpoint(std::string_view line) {
  // Quotes within a text are escaped, so that this can only be the member itself.
  return line.find(checkpoint_member) != std::string_view::npos;
}

Result<SignedCheckpoint> parse_checkpoint(std::string_view line) {
  const auto document = parse_json(line);
  if (!document) return bad_checkpoint("the line is not JSON");
  if (string_member(*document, "event") != "checkpoint") return bad_checkpoint("not a checkpoint");
  const auto file = integer_member(*document, "file");
  const auto after = integer_member(*document, "after");
  const auto previous = parse_hash(string_member(*document, "previous").value_or(""));
  const auto time = string_member(*document, "time");
  const auto key = string_member(*document, "key");
  const auto signature = decode_base64url(string_member(*document, "signature").value_or(""));
  if (!file || *file < 1 || !after || *after < 0 || !previous || !time || !key || !signature ||
      signature->empty()) {
    return bad_checkpoint("a member of the checkpoint is missing or malformed");
  }
  SignedCheckpoint parsed;
  parsed.checkpoint = {.file = static_cast<uint64_t>(*file),
                       .previous = {static_cast<uint64_t>(*after), *previous}};
  parsed.time = *time;
  parsed.key_id = *key;
  parsed.signature = *signature;
  return parsed;
}

Result<void> verify_checkpoint(const SignedCheckpoint& checkpoint, const crypto::PublicKey& key) {
  const std::string text = signed_text(checkpoint.checkpoint, checkpoint.time);
  if (!key.verify(key.algorithm(), as_bytes(text), checkpoint.signature)) {
    return bad_checkpoint("the signature does not hold");
  }
  return {};
}

}  // namespace countersign::provider
